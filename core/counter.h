// Counter: a plain integer that one lcore adds to and any thread may read. A relaxed load and store is one
// `add` instruction's worth (0.7 ns), where a library counter costs 14 ns: docs/decisions/0003.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

class Counter {
 public:
  // Owner lcore only.
  void add(uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  // Any thread.
  [[nodiscard]] uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// The largest value since it was last taken. A take that races with a raise may lose that one raise.
class HighWater {
 public:
  // Owner lcore only.
  void raise(uint64_t n) noexcept {
    if (n > value_.load(std::memory_order_relaxed)) value_.store(n, std::memory_order_relaxed);
  }
  // Any thread: reads and starts anew.
  uint64_t take() noexcept { return value_.exchange(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace weir
