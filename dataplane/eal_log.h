// EalLog: takes DPDK's log lines, which would go to standard output and syslog. Owner: dataplane/eal.cpp; any
// thread of DPDK's writes.
#pragma once

#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace weir {

class EalLog {
 public:
  // Makes DPDK write here; for good, since DPDK cannot be told to forget a stream.
  void attach();
  // Lines go to the program's log too from now on.
  void forward() { forward_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] std::string newest(size_t lines);

 private:
  static ssize_t write(void* self, const char* text, size_t len);
  void take(std::string_view text);

  std::mutex mutex_;
  std::deque<std::string> lines_;  // the newest
  std::string line_;               // not ended yet
  std::atomic<bool> forward_{false};
};

// While it lives, what is written to standard output goes nowhere: rte_eal_init() prints its usage there when
// it dislikes an argument, and standard output is for events. Single-threaded start only.
class SilentStdout {
 public:
  SilentStdout();
  ~SilentStdout();
  SilentStdout(const SilentStdout&) = delete;
  SilentStdout& operator=(const SilentStdout&) = delete;

 private:
  int saved_ = -1;
};

}  // namespace weir
