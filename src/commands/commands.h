// The program's commands. Each adds a CLI11 subcommand whose callback sets exit_code (src/run_street.h).
#pragma once

namespace CLI {
class App;
}

namespace weir {

void add_run_command(CLI::App& app, int& exit_code);
void add_decode_command(CLI::App& app, int& exit_code);
void add_plan_command(CLI::App& app, int& exit_code);
void add_generate_command(CLI::App& app, int& exit_code);
void add_verify_command(CLI::App& app, int& exit_code);

}  // namespace weir
