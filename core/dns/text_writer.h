// TextWriter: what the text writers of DNS data write through, and the small pieces of text they share. All
// text is printable ASCII (0x20..0x7e), so a JSON string needs no more than `\` and `"`
// escaped; a writer that wrote one of the two says so. Nothing checks room: every writer states its bound.
// Pure; any lcore; hot path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weir {

struct TextWriter {
  char* out;                  // where the next byte goes
  bool json_special = false;  // sticky: a `\` or `"` was written

  void put(char c) noexcept { *out++ = c; }
  void put(std::string_view text) noexcept {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  }
  // For `\` and `"`.
  void put_special(char c) noexcept {
    put(c);
    json_special = true;
  }
};

// Makes the text from `begin` up to writer.out a JSON string's content in place, if json_special is set, and
// clears it. Room for twice the text, from `begin`, is the caller's.
void escape_json(TextWriter& writer, char* begin) noexcept;

// At most 10 bytes.
void write_decimal(TextWriter& writer, uint32_t value) noexcept;
// At most 3 bytes, and it may write a fourth behind them.
void write_decimal_u8(TextWriter& writer, uint8_t value) noexcept;
// Two digits a byte, lower case.
void write_hex(TextWriter& writer, std::span<const uint8_t> bytes) noexcept;
// RFC 4648 section 4: four characters for every three bytes or part of them.
void write_base64(TextWriter& writer, std::span<const uint8_t> bytes) noexcept;
// RFC 4648 section 7 without padding, lower case as ldns writes NSEC3's hashes: eight characters for every
// five bytes or part of them.
void write_base32hex(TextWriter& writer, std::span<const uint8_t> bytes) noexcept;
// RFC 1035 section 5.1 within quotes, without them: `\"`, `\\`, and \DDD for what is not printable ASCII. At
// most four characters a byte.
void write_quoted_bytes(TextWriter& writer, std::span<const uint8_t> bytes) noexcept;
// With the quotes.
void write_quoted(TextWriter& writer, std::span<const uint8_t> bytes) noexcept;
// `\DDD`: four characters.
void write_escaped_byte(TextWriter& writer, uint8_t byte) noexcept;

}  // namespace weir
