#include "core/dns/text_writer.h"

#include <algorithm>
#include <array>

namespace weir {
namespace {

// "0" to "255": three characters and the length.
struct ByteText {
  char text[3] = {};
  uint8_t len = 0;
};
constexpr auto kBytes = [] {
  std::array<ByteText, 256> table{};
  for (unsigned value = 0; value < 256; ++value) {
    ByteText& entry = table[value];
    if (value >= 100) entry.text[entry.len++] = static_cast<char>('0' + value / 100);
    if (value >= 10) entry.text[entry.len++] = static_cast<char>('0' + value / 10 % 10);
    entry.text[entry.len++] = static_cast<char>('0' + value % 10);
  }
  return table;
}();

constexpr auto kHexPairs = [] {
  std::array<char, 512> table{};
  constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned value = 0; value < 256; ++value) {
    table[2 * value] = kDigits[value >> 4U];
    table[2 * value + 1] = kDigits[value & 15U];
  }
  return table;
}();

constexpr auto kDecimalPairs = [] {
  std::array<char, 200> table{};
  for (unsigned value = 0; value < 100; ++value) {
    table[2 * value] = static_cast<char>('0' + value / 10);
    table[2 * value + 1] = static_cast<char>('0' + value % 10);
  }
  return table;
}();

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase32Hex[] = "0123456789abcdefghijklmnopqrstuv";

bool printable(uint8_t byte) noexcept { return byte >= 0x20 && byte <= 0x7e; }

char* write_three_digits(char* out, uint8_t byte) noexcept {
  *out++ = static_cast<char>('0' + byte / 100);
  std::memcpy(out, &kDecimalPairs[byte % 100U * 2], 2);
  return out + 2;
}

}  // namespace

void escape_json(TextWriter& writer, char* begin) noexcept {
  if (!writer.json_special) return;
  writer.json_special = false;
  const auto special = [](char c) { return c == '"' || c == '\\'; };
  char* from = writer.out;
  writer.out += std::count_if(begin, writer.out, special);
  // From the back, until what is left stands where it belongs.
  for (char* to = writer.out; to != from;) {
    const char c = *--from;
    *--to = c;
    if (special(c)) *--to = '\\';
  }
}

void write_decimal_u8(TextWriter& writer, uint8_t value) noexcept {
  const ByteText& entry = kBytes[value];
  std::memcpy(writer.out, &entry, sizeof entry);
  writer.out += entry.len;
}

void write_decimal(TextWriter& writer, uint32_t value) noexcept {
  char digits[10];
  char* start = digits + sizeof digits;
  while (value >= 100) {
    start -= 2;
    std::memcpy(start, &kDecimalPairs[value % 100 * 2], 2);
    value /= 100;
  }
  if (value >= 10) {
    start -= 2;
    std::memcpy(start, &kDecimalPairs[value * 2], 2);
  } else {
    *--start = static_cast<char>('0' + value);
  }
  writer.put({start, digits + sizeof digits});
}

void write_hex(TextWriter& writer, std::span<const uint8_t> bytes) noexcept {
  char* out = writer.out;
  for (uint8_t byte : bytes) {
    std::memcpy(out, &kHexPairs[size_t{byte} * 2], 2);
    out += 2;
  }
  writer.out = out;
}

void write_base64(TextWriter& writer, std::span<const uint8_t> bytes) noexcept {
  char* out = writer.out;
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group =
        static_cast<uint32_t>(bytes[i]) << 16U | static_cast<uint32_t>(bytes[i + 1]) << 8U | bytes[i + 2];
    *out++ = kBase64[group >> 18U];
    *out++ = kBase64[group >> 12U & 63U];
    *out++ = kBase64[group >> 6U & 63U];
    *out++ = kBase64[group & 63U];
  }
  if (i < bytes.size()) {
    const bool two = i + 1 < bytes.size();
    const uint32_t group =
        static_cast<uint32_t>(bytes[i]) << 16U | (two ? static_cast<uint32_t>(bytes[i + 1]) << 8U : 0U);
    *out++ = kBase64[group >> 18U];
    *out++ = kBase64[group >> 12U & 63U];
    *out++ = two ? kBase64[group >> 6U & 63U] : '=';
    *out++ = '=';
  }
  writer.out = out;
}

void write_base32hex(TextWriter& writer, std::span<const uint8_t> bytes) noexcept {
  uint32_t held = 0;
  unsigned bits = 0;
  for (uint8_t byte : bytes) {
    held = held << 8U | byte;
    for (bits += 8; bits >= 5; bits -= 5) writer.put(kBase32Hex[held >> (bits - 5) & 31U]);
  }
  if (bits != 0) writer.put(kBase32Hex[held << (5 - bits) & 31U]);
}

void write_escaped_byte(TextWriter& writer, uint8_t byte) noexcept {
  writer.put('\\');
  writer.out = write_three_digits(writer.out, byte);
  writer.json_special = true;
}

void write_quoted_bytes(TextWriter& writer, std::span<const uint8_t> bytes) noexcept {
  char* out = writer.out;
  bool special = false;
  for (uint8_t byte : bytes) {
    if (printable(byte) && byte != '"' && byte != '\\') {
      *out++ = static_cast<char>(byte);
      continue;
    }
    special = true;
    *out++ = '\\';
    if (printable(byte)) {
      *out++ = static_cast<char>(byte);
    } else {
      out = write_three_digits(out, byte);
    }
  }
  writer.out = out;
  writer.json_special = writer.json_special || special;
}

void write_quoted(TextWriter& writer, std::span<const uint8_t> bytes) noexcept {
  writer.put('"');
  write_quoted_bytes(writer, bytes);
  writer.put('"');
  writer.json_special = true;
}

}  // namespace weir
