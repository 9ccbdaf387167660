// Names as keys: compared and folded eight bytes at a time, letters to lower case. Length bytes are at most
// 63 and so never letters: a whole name folds like text.
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

bool folds_equal(uint64_t a, uint64_t b) noexcept { return a == b || fold(a) == fold(b); }

}  // namespace

bool names_equal(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept {
  const size_t len = a.size();
  if (len != b.size()) return false;
  if (len < 8) return fold(load_tail(a.data(), len)) == fold(load_tail(b.data(), len));
  for (size_t i = 0; i + 8 < len; i += 8) {
    if (!folds_equal(load(&a[i]), load(&b[i]))) return false;
  }
  // The last eight, some of them once more.
  return folds_equal(load(&a[len - 8]), load(&b[len - 8]));
}

void fold_name(std::span<const uint8_t> name, uint8_t* out) noexcept {
  size_t i = 0;
  for (; i + 8 <= name.size(); i += 8) {
    const uint64_t folded = fold(load(&name[i]));
    std::memcpy(out + i, &folded, 8);
  }
  uint64_t folded = fold(load_tail(name.data() + i, name.size() - i));
  for (; i < name.size(); ++i, folded >>= 8U) out[i] = static_cast<uint8_t>(folded);
}

}  // namespace weir
