// Stage: what an lcore runs. The lcore loop calls poll() for ever; each call does at most a burst of work.
// A stage ends by itself when its inputs have ended: ingest closes its rings, decode sees them ended, flushes
// and closes its own, export drains its outputs. So a drain needs no conductor.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/metric.h"

namespace weir {

enum class Poll : uint8_t {
  idle,  // nothing to do, or waiting for room: the loop may rest
  busy,  // did work: call again at once
  done,  // ended; poll() will not be called again
};

// in = out + drops + in_flight, in units. Any thread reads; the equality holds when the lcore rests.
struct Balance {
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t drops = 0;
  uint64_t in_flight = 0;
  [[nodiscard]] bool even() const noexcept { return in == out + drops + in_flight; }
};

class Stage {
 public:
  virtual ~Stage() = default;
  // The owner lcore.
  virtual Poll poll(const Now& now) = 0;
  // Control thread, after the lcore has stopped: counts all that is still in the stage and in the rings that
  // it reads as dropped with the stage's shutdown reason.
  virtual void abandon() = 0;
  // Any thread.
  virtual void describe(MetricVisitor& visitor) const = 0;
};

}  // namespace weir
