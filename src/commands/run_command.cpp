// weir run: the service.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "src/commands/commands.h"
#include "src/commands/street_flags.h"
#include "src/log.h"
#include "src/run_street.h"

namespace weir {

void add_run_command(CLI::App& app, int& exit_code) {
  struct State {
    StreetFlags flags;
    RunOptions options;
  };
  auto state = std::make_shared<State>();
  CLI::App* command =
      app.add_subcommand("run", "Take dnstap and mirrored packets in and write them out until told to stop");
  state->flags.add_inputs_and_outputs(*command);
  state->flags.add_common(*command);
  command->add_option("--stats", state->options.stats_path,
                      "Write all counters as JSON to this file at the end");
  command->footer(
      "SIGTERM and SIGINT drain and print the balance, a second one ends at once; SIGHUP reopens files.\n"
      "Without inputs and outputs: dnstap on tcp://127.0.0.1:6000, JSON lines on standard output.\n"
      "Exit codes: 0 done, 1 fault while running or an uneven balance, 2 usage or configuration.");
  command->callback([state, &exit_code] {
    auto config = state->flags.config({});
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
