// weir: the program. Everything it does is one of its commands.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>

#include "exporters/outputs.h"
#include "src/commands/commands.h"
#include "src/run_street.h"
#include "src/version.h"

namespace {

// With a line for each part that may be left out.
std::string version_text() {
  std::string text =
      std::string("weir ") + weir::kVersion + " (" + weir::kBuildType + ", DPDK " + weir::kDpdkVersion + ")";
  for (const weir::OptionalPart& part : weir::optional_parts())
    text += "\n" + std::string(part.name) + ": " + (part.with.empty() ? "left out of this build" : part.with);
  return text;
}

int run(int argc, char** argv) {
  int exit_code = weir::kExitDone;
  CLI::App app(
      "Weir logs DNS: dnstap and mirrored packets in, JSON lines and statsd out, nothing lost uncounted.",
      "weir");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  weir::add_run_command(app, exit_code);
  weir::add_decode_command(app, exit_code);
  weir::add_plan_command(app, exit_code);
  weir::add_generate_command(app, exit_code);
  weir::add_verify_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weir::kExitDone : weir::kExitUsage;
  }
  return exit_code;
}

// A stream that was closed would become the next file that is opened; what stands there instead refuses its
// use.
void fill_closed_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// What a command printed must have got there: a full disk is no success.
int checked_output(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.flush().good()) return exit_code;
  (void)std::fputs("weir: standard output could not be written\n", stderr);
  return exit_code == weir::kExitDone ? weir::kExitRuntime : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_streams();
  try {
    return checked_output(run(argc, argv));
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "weir: %s\n", error.what());
  } catch (...) {
    (void)std::fputs("weir: an exception of unknown type\n", stderr);
  }
  return weir::kExitRuntime;
}
