// weir verify: reads JSON logs back.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "src/commands/commands.h"
#include "src/verify/verify.h"

namespace weir {

void add_verify_command(CLI::App& app, int& exit_code) {
  struct State {
    VerifyOptions options;
    bool json = false;
  };
  auto state = std::make_shared<State>();
  CLI::App* command = app.add_subcommand("verify", "Read JSON lines back: schema, counts, gaps, duplicates");
  VerifyOptions& options = state->options;
  command->add_option("FILE", options.files, "JSON lines of one run, gzip or not; - is standard input")
      ->required();
  command
      ->add_option("--expect", options.expected,
                   "Transactions of a load from `weir generate --numbered`: each number below must be there")
      ->check(CLI::Range(uint64_t{1}, NumberLedger::kLimit));
  CLI::Option* expect = command->get_option("--expect");
  command
      ->add_option("--per-number", options.per_number,
                   "Lines of different types that each number must have (default 1; 2 for --pairs)")
      ->check(CLI::Range(1, 32))
      ->needs(expect);
  command->add_flag("--from-zero", options.from_zero,
                    "The files hold the run from its start, so every lane's \"seq\" begins with 0");
  command->add_flag("--partial", options.partial,
                    "The lines were written with fields: or omit:, so no key is required");
  command->add_option("--examples", options.examples, "How many faulty lines to name (default 10)");
  command->add_flag("--json", state->json, "Print the report as JSON");
  command->footer(
      "A \"seq\" is written where the output has sequence: true.\n"
      "Exit codes: 0 every line is sound, none is missing, none came twice; 1 otherwise; 2 usage.");
  command->callback([state, &exit_code] {
    const VerifyReport report = verify(state->options);
    const std::string text = state->json ? report_json(report) + "\n" : report_text(report);
    (void)std::fputs(text.c_str(), stdout);
    exit_code = report.good() ? 0 : 1;
  });
}

}  // namespace weir
