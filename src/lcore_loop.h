// LcoreLoop: runs the stages of one lcore until all are done or the abort flag is up, and rests between polls
// as the idle policy says. Counts the busy share of each. run() belongs to the lcore; the rest to the control
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/counter.h"
#include "core/stage.h"

namespace weir {

class LcoreLoop {
 public:
  // rest_limit_ns: how long an lcore that does not spin rests after a long time without work. abort outlives
  // the loop.
  LcoreLoop(bool spin, uint64_t rest_limit_ns, const std::atomic<bool>& abort)
      : spin_(spin), rest_limit_ns_(rest_limit_ns), abort_(abort) {}

  // Before run(), in the order of the street. The stage outlives the loop. kind, index: as in the plan, for
  // metrics.
  void add(Stage& stage, std::string kind, unsigned index);

  void run() noexcept;

  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  // CLOCK_MONOTONIC of the last turn, for the health check.
  [[nodiscard]] uint64_t last_turn_ns() const noexcept { return last_turn_ns_.get(); }
  // The busy shares, and what the stages say.
  void describe(MetricVisitor& visitor) const;

 private:
  struct Entry {
    Entry(Stage& what, std::string which, unsigned number)
        : stage(what), kind(std::move(which)), index(number) {}

    Stage& stage;
    std::string kind;
    unsigned index;
    bool done = false;
    Counter busy_ns;
  };

  Poll poll_last_busy(Now& now) noexcept;

  bool spin_;
  uint64_t rest_limit_ns_;
  const std::atomic<bool>& abort_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::atomic<bool> ended_{false};
  Counter all_ns_;
  Counter last_turn_ns_;
};

// The adaptive idle policy: how long to rest after so many polls in a row that did nothing.
class Rest {
 public:
  explicit Rest(uint64_t limit_ns) : limit_ns_(limit_ns) {}
  void reset() noexcept { empty_polls_ = 0; }
  // Pauses, or sleeps from 100 µs up to 1 ms, after a second of idleness for the limit.
  void take() noexcept;

 private:
  uint64_t limit_ns_;
  unsigned empty_polls_ = 0;
};

}  // namespace weir
