// What a run says of itself: the balance at its end, the numbers as a JSON file, and progress on a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "src/pipeline.h"

namespace weir {

// True: in = out + drops + in_flight on every line, nothing is in flight, and each line's out is the next
// one's in.
bool balance_is_even(const std::vector<BalanceLine>& lines);
// A table, one line a stage, with the reasons of what was dropped under it.
// One line of what came in and did not become an event that was written, by stage, kind and reason; empty:
// all did.
std::string losses_text(const Pipeline& pipeline);
std::string balance_text(const Pipeline& pipeline);
// {"even":…, "balance":[…], "metrics":[{"name","labels","value"}…]}
Status write_stats(const Pipeline& pipeline, const std::string& path);

// One line on stderr, rewritten in place; only when stderr is a terminal and standard output is not one too.
class ProgressLine {
 public:
  // lines_on_stdout: an output writes there, perhaps to the same terminal.
  explicit ProgressLine(bool lines_on_stdout);
  void show(const Pipeline::Progress& progress, uint64_t mono_ns);
  void clear();

 private:
  bool on_;
  bool shown_ = false;
  uint64_t started_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t last_units_ = 0;
};

}  // namespace weir
