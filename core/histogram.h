// Histogram of durations with power-of-four buckets from 1 µs to 17 s; one lcore observes, any thread reads.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "core/counter.h"

namespace weir {

class Histogram {
 public:
  static constexpr unsigned kBuckets = 13;  // upper bounds 2^10 ns × 4^i, the last is +Inf

  // Owner lcore only: `n` units that took `ns` each.
  void observe(uint64_t ns, uint64_t n) noexcept {
    unsigned log2 = ns <= 1024 ? 0 : static_cast<unsigned>(std::bit_width((ns - 1) >> 10U));
    unsigned i = (log2 + 1) / 2;
    buckets_[i < kBuckets ? i : kBuckets - 1].add(n);
    sum_ns_.add(ns * n);
  }

  // Upper bound of bucket i in seconds; the last bucket has none.
  static constexpr double upper_seconds(unsigned i) { return static_cast<double>(1024ULL << (2 * i)) * 1e-9; }
  [[nodiscard]] uint64_t bucket(unsigned i) const noexcept { return buckets_[i].get(); }
  [[nodiscard]] double sum_seconds() const noexcept { return static_cast<double>(sum_ns_.get()) * 1e-9; }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_ns_;
};

}  // namespace weir
