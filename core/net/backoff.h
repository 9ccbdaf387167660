// Backoff: how long to wait before the next try: 100 ms, doubled with each failure up to 30 s, and a random
// part of up to a half taken off, so that many senders do not come back at once. Owner: one sink.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "core/clock.h"

namespace weir {

class Backoff {
 public:
  uint64_t next_ns() {
    const uint64_t full = std::min(kFirstNs << failures_, kLongestNs);
    if (failures_ < 10) ++failures_;
    return full - std::uniform_int_distribution<uint64_t>(0, full / 2)(random_);
  }
  void reset() noexcept { failures_ = 0; }

 private:
  static constexpr uint64_t kFirstNs = 100 * kNsPerMs;
  static constexpr uint64_t kLongestNs = 30 * kNsPerSec;

  unsigned failures_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace weir
