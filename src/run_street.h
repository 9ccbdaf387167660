// run_street: the life of one run on the control thread: plan, EAL, pipeline, signals, drain, balance.
#pragma once

#include <string>

#include "src/config/config.h"

namespace weir {

// Exit codes of the program (docs/operations.md).
constexpr int kExitDone = 0;
constexpr int kExitRuntime = 1;
constexpr int kExitUsage = 2;

struct RunOptions {
  std::string stats_path;     // --stats: counters as JSON at the end
  bool print_balance = true;  // decode prints it only when something was dropped or is wrong
  // decode: end when an output has taken nothing for the drain time (a full disk); run waits for it for ever.
  bool give_up_when_stuck = false;
  // decode: the lcores are plain threads. Files need no port, and EAL's start takes longer than a small file.
  bool eal = true;
};

// Returns the exit code. SIGTERM, SIGINT: drain, a second one ends at once; SIGHUP: reopen files.
int run_street(const Config& config, const RunOptions& options);

}  // namespace weir
