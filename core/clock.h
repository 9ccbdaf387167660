// Now: one clock read a burst, handed down. Called by the lcore loop and the control thread.
#pragma once

#include <cstdint>

namespace weir {

struct Now {
  uint64_t mono_ns = 0;  // CLOCK_MONOTONIC: intervals, arrival
  uint64_t wall_ns = 0;  // CLOCK_REALTIME since 1970: packet times where no hardware stamps them
};

Now read_clock() noexcept;

constexpr uint64_t kNsPerSec = 1'000'000'000;
constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace weir
