// Pace: when the next units are due, so that a rate is kept smoothly: a handful every millisecond, no bursts
// a second. What a slow receiver delays is sent as soon as it takes it. One thread.
#pragma once

#include <cstdint>
#include <limits>

namespace weir {

class Pace {
 public:
  // rate: units a second, 0: as fast as it goes. limit_seconds, limit_units: 0: none.
  Pace(double rate, uint64_t limit_units, double limit_seconds);

  // How many may be sent now, after `sent`; sleeps until there is one. 0: the load is over.
  [[nodiscard]] uint64_t wait(uint64_t sent) const;
  [[nodiscard]] double elapsed() const;

 private:
  double rate_;
  uint64_t limit_units_;
  double limit_seconds_;
  uint64_t start_ns_;
};

}  // namespace weir
