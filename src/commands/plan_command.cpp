// weir plan: checks the configuration and prints what would run where.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "src/commands/commands.h"
#include "src/commands/street_flags.h"
#include "src/config/packet_filters.h"
#include "src/config/tls_files.h"
#include "src/plan/plan.h"
#include "src/run_street.h"

namespace weir {

void add_plan_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<StreetFlags>();
  CLI::App* command = app.add_subcommand(
      "plan", "Check the configuration and print lcores, rings and memory; starts nothing");
  flags->add_inputs_and_outputs(*command);
  flags->add_common(*command);
  command->footer("Exit codes: 0 it can run, 2 it cannot.");
  command->callback([flags, &exit_code] {
    auto config = flags->config({});
    Status usable = config ? check_tls_files(*config) : Status(config.error());
    if (usable) usable = check_packet_filters(*config);
    Result<Plan> plan = usable ? make_plan(*config, read_machine()) : Result<Plan>(usable.error());
    if (!plan) {
      (void)std::fprintf(stderr, "weir: %s\n", plan.error().message.c_str());
      exit_code = kExitUsage;
      return;
    }
    (void)std::fputs(describe_plan(*plan, *config).c_str(), stdout);
    exit_code = kExitDone;
  });
}

}  // namespace weir
