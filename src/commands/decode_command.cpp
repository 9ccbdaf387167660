// weir decode: files to lines, through the same street.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "src/commands/commands.h"
#include "src/commands/street_flags.h"
#include "src/log.h"
#include "src/run_street.h"

namespace weir {

void add_decode_command(CLI::App& app, int& exit_code) {
  struct State {
    StreetFlags flags;
    RunOptions options{.stats_path = {}, .print_balance = false, .give_up_when_stuck = true, .eal = false};
    std::vector<std::string> files;
  };
  auto state = std::make_shared<State>();
  CLI::App* command =
      app.add_subcommand("decode",
                         "Read dnstap and capture files and write JSON lines to standard output, or what "
                         "--json and --pcap name");
  command->add_option("FILE", state->files, ".fstrm, .pcap, .pcapng, gzip or not; - is standard input")
      ->required();
  state->flags.add_common(*command);
  command->add_option("--stats", state->options.stats_path,
                      "Write all counters as JSON to this file at the end");
  command->add_flag("--balance", state->options.print_balance, "Print the balance even if nothing was lost");
  command->footer(
      "Exit codes: 0 done, 1 fault while running or an uneven balance, 2 usage or configuration.");
  command->callback([state, &exit_code] {
    auto config = state->flags.config(state->files);
    Status log = config ? start_log(config->log_level) : Status(config.error());
    if (!log) {
      (void)std::fprintf(stderr, "weir: %s\n", log.error().message.c_str());
      exit_code = kExitUsage;
      return;
    }
    exit_code = run_street(*config, state->options);
  });
}

}  // namespace weir
