#include "core/clock.h"

#include <ctime>

namespace weir {
namespace {

uint64_t read(clockid_t id) noexcept {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<uint64_t>(ts.tv_sec) * kNsPerSec + static_cast<uint64_t>(ts.tv_nsec);
}

}  // namespace

Now read_clock() noexcept { return {.mono_ns = read(CLOCK_MONOTONIC), .wall_ns = read(CLOCK_REALTIME)}; }

}  // namespace weir
