// FaultLog: says when a fault may be logged, so that a peer or a full disk cannot flood the log. Owner: the
// lcore (or the lock) of the sink that logs.
#pragma once

#include <cstdint>

#include "core/clock.h"

namespace weir {

class FaultLog {
 public:
  // At most once in ten seconds.
  bool due(uint64_t mono_ns) noexcept {
    if (mono_ns < next_ns_) return false;
    next_ns_ = mono_ns + 10 * kNsPerSec;
    return true;
  }
  // The fault is over: the next one is news.
  void over() noexcept { next_ns_ = 0; }

 private:
  uint64_t next_ns_ = 0;
};

}  // namespace weir
