#include "exporters/json/json_text.h"

namespace weir {
namespace {

constexpr size_t kMaxEscape = 6;  // \u001f

// "0" to "255" in three bytes, the length in the fourth.
constexpr auto kOctets = [] {
  std::array<std::array<char, 4>, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned n = 0;
    if (i >= 100) table[i][n++] = static_cast<char>('0' + i / 100);
    if (i >= 10) table[i][n++] = static_cast<char>('0' + i / 10 % 10);
    table[i][n++] = static_cast<char>('0' + i % 10);
    table[i][3] = static_cast<char>(n);
  }
  return table;
}();

// The length of the UTF-8 sequence at the start of `s` (RFC 3629 section 4); 0: none.
size_t utf8_len(std::span<const uint8_t> s) noexcept {
  const auto tail = [&](size_t i) { return i < s.size() && (s[i] & 0xc0U) == 0x80; };
  const uint8_t c = s[0];
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c <= 0xdf) return tail(1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (c == 0xe0 && s[1] < 0xa0) return 0;   // could be shorter
    if (c == 0xed && s[1] >= 0xa0) return 0;  // a surrogate
    return 3;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (c == 0xf0 && s[1] < 0x90) return 0;
    if (c == 0xf4 && s[1] >= 0x90) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

// One character, or one byte that is none.
char* put_escaped(char* out, std::span<const uint8_t> text, size_t len) noexcept {
  const uint8_t c = text[0];
  if (len == 0) {
    *out++ = '\\';
    *out++ = '\\';
    *out++ = static_cast<char>('0' + c / 100);
    return put_2(out, c % 100);
  }
  if (c < 0x20 || c == 0x7f) {
    out = put(out, "\\u00");
    return put_hex(out, text.first(1));
  }
  // Two, each escaped for JSON: else what looks like \DDD could be either.
  if (c == '\\') return put(out, R"(\\\\)");
  if (c == '"') *out++ = '\\';
  std::memcpy(out, text.data(), len);
  return out + len;
}

}  // namespace

// Days to a date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
void TimeText::set(uint64_t second) noexcept {
  second_ = second;
  const auto in_day = static_cast<uint32_t>(second % 86'400);
  const uint64_t days = second / 86'400 + 719'468;
  const uint64_t era = days / 146'097;
  const auto day_of_era = static_cast<uint32_t>(days % 146'097);
  const uint32_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted_month = (5 * day_of_year + 2) / 153;  // from March
  const uint32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const auto year = static_cast<uint32_t>(era * 400 + year_of_era + (month <= 2 ? 1 : 0));

  char* out = text_;
  *out++ = '"';
  out = put_4(out, year);
  *out++ = '-';
  out = put_2(out, month);
  *out++ = '-';
  out = put_2(out, day);
  *out++ = 'T';
  out = put_2(out, in_day / 3'600);
  *out++ = ':';
  out = put_2(out, in_day / 60 % 60);
  *out++ = ':';
  out = put_2(out, in_day % 60);
  *out = '.';
}

char* put_v4(char* out, const uint8_t* bytes) noexcept {
  for (int i = 0; i < 4; ++i) {
    const auto& octet = kOctets[bytes[i]];
    std::memcpy(out, octet.data(), 4);
    out += octet[3];
    *out++ = '.';
  }
  return out - 1;
}

char* put_addr(char* out, const IpAddr& addr) noexcept {
  if (addr.len == 4) return put_v4(out, addr.bytes.data());
  return write_addr(out, addr);
}

char* put_text(char* out, const char* end, std::span<const uint8_t> text, bool& cut) noexcept {
  while (!text.empty()) {
    if (static_cast<size_t>(end - out) < 16) {
      cut = true;
      break;
    }
    const size_t n = text.size() < 16 ? text.size() : 16;
    const __m128i chunk = load_upto_16(text.data(), n);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), chunk);
    const unsigned plain = static_cast<unsigned>(__builtin_ctz(~plain_mask(chunk)));
    const size_t run = plain < n ? plain : n;
    out += run;
    text = text.subspan(run);
    if (run == n) continue;
    static_assert(kMaxEscape <= 16);
    if (static_cast<size_t>(end - out) < kMaxEscape) {
      cut = true;
      break;
    }
    const size_t len = utf8_len(text);
    out = put_escaped(out, text, len);
    text = text.subspan(len == 0 ? 1 : len);
  }
  return out;
}

char* put_ascii(char* out, std::string_view text) noexcept {
  for (char c : text) {
    if (c == '"' || c == '\\') *out++ = '\\';
    *out++ = c;
  }
  return out;
}

}  // namespace weir
