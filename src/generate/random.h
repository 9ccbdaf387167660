// Random: numbers that are the same for a seed on every machine and library (so no std::*_distribution).
// xoshiro256** seeded by SplitMix64 (Blackman, Vigna). Used by the load generator, one instance a thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

class Random {
 public:
  explicit Random(uint64_t seed) noexcept {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      uint64_t z = seed;
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31U);
    }
  }

  uint64_t next() noexcept {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // 0 … bound-1. The bias of multiply-shift is under bound / 2^32.
  uint32_t below(uint32_t bound) noexcept { return static_cast<uint32_t>((next() >> 32U) * bound >> 32U); }
  // lo … hi, both included.
  uint32_t between(uint32_t lo, uint32_t hi) noexcept { return lo + below(hi - lo + 1); }
  bool percent(unsigned share) noexcept { return below(100) < share; }
  bool per_mille(unsigned share) noexcept { return below(1000) < share; }

 private:
  static uint64_t rotate(uint64_t x, unsigned by) noexcept { return x << by | x >> (64U - by); }

  std::array<uint64_t, 4> state_{};
};

template <class T>
struct Weighted {
  T value;
  uint32_t weight;
};

// One value of a table, as often as its weight says.
template <class T, size_t N>
const T& pick(Random& random, const std::array<Weighted<T>, N>& table) noexcept {
  uint32_t total = 0;
  for (const auto& row : table) total += row.weight;
  uint32_t at = random.below(total);
  for (const auto& row : table) {
    if (at < row.weight) return row.value;
    at -= row.weight;
  }
  return table.back().value;
}

}  // namespace weir
