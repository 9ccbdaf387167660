// LcoreLoop: runs one stage on one lcore until the stage is done or the abort flag is up, and rests between
// polls as the idle policy says. Counts its busy share. run() belongs to the lcore; the rest to the control
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/counter.h"
#include "core/stage.h"

namespace weir {

class LcoreLoop {
 public:
  // stage and abort outlive the loop. kind, index: as in the plan, for metrics.
  LcoreLoop(Stage& stage, std::string kind, unsigned index, bool spin, const std::atomic<bool>& abort)
      : stage_(stage), kind_(std::move(kind)), index_(index), spin_(spin), abort_(abort) {}

  void run() noexcept;

  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  [[nodiscard]] Stage& stage() const noexcept { return stage_; }
  // CLOCK_MONOTONIC of the last turn, for the health check.
  [[nodiscard]] uint64_t last_turn_ns() const noexcept { return last_turn_ns_.get(); }
  void describe(MetricVisitor& visitor) const;

 private:
  Stage& stage_;
  std::string kind_;
  unsigned index_;
  bool spin_;
  const std::atomic<bool>& abort_;
  std::atomic<bool> ended_{false};
  Counter busy_ns_;
  Counter idle_ns_;
  Counter last_turn_ns_;
};

// The adaptive idle policy: how long to rest after so many polls in a row that did nothing.
class Rest {
 public:
  void reset() noexcept { empty_polls_ = 0; }
  // Pauses, or sleeps from 10 µs up to 1 ms.
  void take() noexcept;

 private:
  unsigned empty_polls_ = 0;
};

}  // namespace weir
