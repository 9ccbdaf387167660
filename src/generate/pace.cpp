#include "src/generate/pace.h"

#include <algorithm>
#include <ctime>

#include "core/clock.h"

namespace weir {

Pace::Pace(double rate, uint64_t limit_units, double limit_seconds)
    : rate_(rate),
      limit_units_(limit_units != 0 ? limit_units : std::numeric_limits<uint64_t>::max()),
      limit_seconds_(limit_seconds),
      start_ns_(read_clock().mono_ns) {}

double Pace::elapsed() const { return static_cast<double>(read_clock().mono_ns - start_ns_) * 1e-9; }

uint64_t Pace::wait(uint64_t sent) const {
  constexpr double kTick = 0.001;  // not woken more often than this
  if (sent >= limit_units_) return 0;
  for (;;) {
    const double now = elapsed();
    if (limit_seconds_ > 0 && now >= limit_seconds_) return 0;
    if (rate_ <= 0) return limit_units_ - sent;
    const auto due = std::min(limit_units_, static_cast<uint64_t>(now * rate_) + 1);
    if (due > sent) return due - sent;
    const double pause = std::min(std::max(kTick, static_cast<double>(sent) / rate_ - now), 0.1);
    const timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(pause * 1e9)};
    ::nanosleep(&time, nullptr);
  }
}

}  // namespace weir
