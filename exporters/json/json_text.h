// Pieces of JSON text: literals, numbers, times, escaped text. Each writes at `out` and returns the end; the
// caller has made room. Called by formats on their export lcore; hot path.
#pragma once

#include <emmintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/addr.h"
#include "core/clock.h"

namespace weir {

// A literal of known length: a few moves.
template <size_t N>
inline char* put(char* out, const char (&literal)[N]) noexcept {
  std::memcpy(out, literal, N - 1);
  return out + N - 1;
}
inline char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Sixteen bytes at a time: reads and writes up to fifteen more than asked for.
inline char* copy_text(char* out, const char* text, size_t len) noexcept {
  for (size_t i = 0; i < len; i += 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i)));
  return out + len;
}

// "00" to "99".
inline constexpr auto kTwoDigits = [] {
  std::array<char, 200> table{};
  for (unsigned i = 0; i < 100; ++i) {
    table[2 * i] = static_cast<char>('0' + i / 10);
    table[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();
inline constexpr char kHexDigits[] = "0123456789abcdef";

// v < 100, always two digits.
inline char* put_2(char* out, uint32_t v) noexcept {
  std::memcpy(out, &kTwoDigits[2 * v], 2);
  return out + 2;
}
inline char* put_4(char* out, uint32_t v) noexcept { return put_2(put_2(out, v / 100), v % 100); }
inline char* put_8(char* out, uint32_t v) noexcept { return put_4(put_4(out, v / 10'000), v % 10'000); }

inline char* put_u32(char* out, uint32_t v) noexcept {
  if (v < 10'000) {
    if (v < 100) {
      if (v < 10) {
        *out = static_cast<char>('0' + v);
        return out + 1;
      }
      return put_2(out, v);
    }
    if (v < 1'000) {
      *out = static_cast<char>('0' + v / 100);
      return put_2(out + 1, v % 100);
    }
    return put_4(out, v);
  }
  if (v < 100'000'000) return put_4(put_u32(out, v / 10'000), v % 10'000);
  return put_8(put_u32(out, v / 100'000'000), v % 100'000'000);
}
inline char* put_u64(char* out, uint64_t v) noexcept {
  if (v <= UINT32_MAX) return put_u32(out, static_cast<uint32_t>(v));
  return put_8(put_u64(out, v / 100'000'000), static_cast<uint32_t>(v % 100'000'000));
}
inline char* put_i64(char* out, int64_t v) noexcept {
  if (v >= 0) return put_u64(out, static_cast<uint64_t>(v));
  *out = '-';
  return put_u64(out + 1, 0 - static_cast<uint64_t>(v));
}

inline char* put_hex(char* out, std::span<const uint8_t> bytes) noexcept {
  for (uint8_t b : bytes) {
    *out++ = kHexDigits[b >> 4U];
    *out++ = kHexDigits[b & 15U];
  }
  return out;
}

// RFC 3339 with nanoseconds, as "2026-11-21T02:12:00.123456789Z" with its quotes: 32 bytes. The text of the
// second is kept: times of neighbouring events mostly share it.
class TimeText {
 public:
  static constexpr size_t kBytes = 32;

  char* put(char* out, uint64_t time_ns) noexcept {
    const uint64_t second = time_ns / kNsPerSec;
    const auto ns = static_cast<uint32_t>(time_ns % kNsPerSec);
    if (second != second_) set(second);
    std::memcpy(out, text_, sizeof text_);
    out[sizeof text_] = static_cast<char>('0' + ns / 100'000'000);
    out = put_8(out + sizeof text_ + 1, ns % 100'000'000);
    return weir::put(out, "Z\"");
  }
  // What put() wrote before.
  static char* copy(char* out, const char* text) noexcept {
    std::memcpy(out, text, kBytes);
    return out + kBytes;
  }

 private:
  void set(uint64_t second) noexcept;

  uint64_t second_ = ~uint64_t{0};
  char text_[21] = {};  // "2026-11-21T02:12:00. with the opening quote
};

// An address as write_addr() has it, IPv4 by table.
char* put_addr(char* out, const IpAddr& addr) noexcept;
char* put_v4(char* out, const uint8_t* bytes) noexcept;

// Text as the inside of a JSON string: quotes, backslashes and control characters escaped, valid UTF-8 as it
// is, bytes that are not as \DDD and a backslash as two (RFC 1035 section 5.1), so that the line is UTF-8
// whatever was sent and says what that was. Stops before `end` at the latest, between characters; `cut` says
// whether it had to.
char* put_text(char* out, const char* end, std::span<const uint8_t> text, bool& cut) noexcept;

// Text known to be printable ASCII, as the inside of a JSON string: at most twice its length.
char* put_ascii(char* out, std::string_view text) noexcept;

// 16 bits, one for each byte of `c` that stands for itself in a JSON string: printable ASCII but '"' and '\'.
inline unsigned plain_mask(__m128i c) noexcept {
  const __m128i printable =
      _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8(0x1f)), _mm_cmplt_epi8(c, _mm_set1_epi8(0x7f)));
  const __m128i special =
      _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('"')), _mm_cmpeq_epi8(c, _mm_set1_epi8('\\')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(special, printable)));
}

// The first min(n, 16) bytes at `p` in a register, zeros behind; reads none behind them.
inline __m128i load_upto_16(const void* p, size_t n) noexcept {
  if (n >= 16) return _mm_loadu_si128(static_cast<const __m128i*>(p));
  const auto* b = static_cast<const uint8_t*>(p);
  uint64_t low = 0;
  uint64_t high = 0;
  if (n >= 8) {
    std::memcpy(&low, b, 8);
    if (n == 8) return _mm_set_epi64x(0, static_cast<int64_t>(low));
    std::memcpy(&high, b + n - 8, 8);
    high >>= 8 * (16 - n);
  } else if (n >= 4) {
    uint32_t a = 0;
    uint32_t z = 0;
    std::memcpy(&a, b, 4);
    std::memcpy(&z, b + n - 4, 4);
    low = a | static_cast<uint64_t>(z) << 8 * (n - 4);
  } else if (n != 0) {
    low = b[0] | static_cast<uint64_t>(b[n / 2]) << 8 * (n / 2) |
          static_cast<uint64_t>(b[n - 1]) << 8 * (n - 1);
  }
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

}  // namespace weir
