// Names as keys: compared eight bytes at a time, letters folded. Length bytes are at most 63 and
// so never letters: a whole name folds like text.
#include <cstring>

#include "core/dns/name.h"

namespace weir {
namespace {

uint64_t load(const uint8_t* p) noexcept {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Fewer than eight bytes, zero-filled.
uint64_t load_tail(const uint8_t* p, size_t len) noexcept {
  uint64_t v = 0;
  for (size_t i = 0; i < len; ++i) v |= static_cast<uint64_t>(p[i]) << (8 * i);
  return v;
}

// Sets bit 5 of the bytes that are 'A'..'Z', in all eight at once.
uint64_t fold(uint64_t v) noexcept {
  constexpr uint64_t kEach = 0x0101010101010101U;
  constexpr uint64_t kHigh = kEach * 0x80;
  const uint64_t low = v & ~kHigh;
  const uint64_t at_least_a = low + kEach * (0x80 - 'A');
  const uint64_t beyond_z = low + kEach * (0x7f - 'Z');
  return v | (((at_least_a ^ beyond_z) & ~v & kHigh) >> 2U);
}

}  // namespace

bool names_equal(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept {
  if (a.size() != b.size()) return false;
  size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    const uint64_t x = load(&a[i]);
    const uint64_t y = load(&b[i]);
    if (x != y && fold(x) != fold(y)) return false;
  }
  const size_t left = a.size() - i;
  return fold(load_tail(a.data() + i, left)) == fold(load_tail(b.data() + i, left));
}

}  // namespace weir
