#include "dataplane/mirror/hardware_clock.h"

#include "core/clock.h"

namespace weir {
namespace {

// A stamp that lies so far from its burst is of a clock that was set, or no stamp.
constexpr uint64_t kMostApartNs = 10 * kNsPerSec;

}  // namespace

void HardwareClock::set(uint64_t ticks, uint64_t wall_ns) noexcept {
  const bool goes_on = last_wall_ns_ != 0 && ticks > last_ticks_ && wall_ns > last_wall_ns_;
  const double pace =
      goes_on ? static_cast<double>(wall_ns - last_wall_ns_) / static_cast<double>(ticks - last_ticks_) : 0;
  last_ticks_ = ticks;
  last_wall_ns_ = wall_ns;
  const unsigned other = 1 - current_.load(std::memory_order_relaxed);
  lines_[other].ticks.store(ticks, std::memory_order_relaxed);
  lines_[other].wall_ns.store(wall_ns, std::memory_order_relaxed);
  lines_[other].ns_a_tick.store(pace, std::memory_order_relaxed);
  current_.store(other, std::memory_order_release);
}

void HardwareClock::set_unit(uint64_t ns) noexcept {
  lines_[0].ns_a_tick.store(static_cast<double>(ns), std::memory_order_relaxed);
}

uint64_t HardwareClock::wall_ns(uint64_t ticks, uint64_t burst_wall_ns) const noexcept {
  const Line& line = lines_[current_.load(std::memory_order_acquire)];
  const double pace = line.ns_a_tick.load(std::memory_order_relaxed);
  if (pace == 0) return burst_wall_ns;
  const uint64_t from_ticks = line.ticks.load(std::memory_order_relaxed);
  const uint64_t from_ns = line.wall_ns.load(std::memory_order_relaxed);
  if (from_ns == 0) return ticks * static_cast<uint64_t>(pace);
  const double offset = (static_cast<double>(static_cast<int64_t>(ticks - from_ticks))) * pace;
  const uint64_t time = from_ns + static_cast<uint64_t>(static_cast<int64_t>(offset));
  const uint64_t apart = time > burst_wall_ns ? time - burst_wall_ns : burst_wall_ns - time;
  return apart <= kMostApartNs ? time : burst_wall_ns;
}

}  // namespace weir
