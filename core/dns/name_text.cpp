// write_name(): a name is written in pieces of up to 64 characters, whole labels each, because in wire form
// the text stands ready but for the length bytes, which become dots:
//
//   wire  3 w w w 7 e x a m p l e 0
//   text    w w w . e x a m p l e .
//
// So a piece is copied 16 bytes at a time while all bytes are compared with those that need escapes; only a
// piece that has some is written again byte by byte.
#include <array>

#include "core/dns/name.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir {
namespace {

constexpr size_t kPiece = 64;

enum class Escape : uint8_t { none, backslash, decimal };
constexpr auto kEscapes = [] {
  std::array<Escape, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c <= 0x20 || c >= 0x7f) table[c] = Escape::decimal;
  }
  for (char c : {'.', ';', '(', ')', '\\', '"'}) table[static_cast<uint8_t>(c)] = Escape::backslash;
  return table;
}();

// Labels from the length byte at `label` to `end`, each with its dot.
void write_labels(TextWriter& writer, const uint8_t* label, const uint8_t* end) noexcept {
  while (label < end) {
    const uint8_t* stop = label + 1 + *label;
    for (const uint8_t* p = label + 1; p < stop; ++p) {
      switch (kEscapes[*p]) {
        case Escape::none:
          writer.put(static_cast<char>(*p));
          break;
        case Escape::backslash:
          writer.put('\\');
          writer.put(static_cast<char>(*p));
          writer.json_special = true;
          break;
        case Escape::decimal:
          write_escaped_byte(writer, *p);
          break;
      }
    }
    writer.put('.');
    label = stop;
  }
}

#if defined(__SSE2__)
// Bit i: byte i needs an escape.
unsigned escapes_in(__m128i text) noexcept {
  const auto is = [text](char c) { return _mm_cmpeq_epi8(text, _mm_set1_epi8(c)); };
  // Signed compare: 0x80..0xff are less than 0x21, too.
  __m128i found = _mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8(0x21)), is(0x7f));
  found = _mm_or_si128(found, _mm_or_si128(is('.'), is(';')));
  found = _mm_or_si128(found, _mm_or_si128(is('\\'), is('"')));
  // '(' and ')' differ in the lowest bit.
  found = _mm_or_si128(
      found, _mm_cmpeq_epi8(_mm_and_si128(text, _mm_set1_epi8(static_cast<char>(0xfe))), _mm_set1_epi8('(')));
  return static_cast<unsigned>(_mm_movemask_epi8(found));
}

// `len` bytes of text at `text`, of which the bits of `dots` become dots; `after`: bytes of the message
// behind it. false: not written, for some need escapes, or the message ends too early to be read 16 bytes at
// a time.
bool write_plain(char* out, const uint8_t* text, size_t len, uint64_t dots, size_t after) noexcept {
  const auto copy = [&](size_t at, uint64_t mask) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), bytes);
    return escapes_in(bytes) & ~(dots >> at) & mask;
  };
  uint64_t found = 0;
  if (len >= 16) {
    size_t at = 0;
    for (; at + 16 <= len; at += 16) found |= copy(at, 0xffff);
    if (at < len) found |= copy(len - 16, 0xffff);  // overlaps, so nothing behind the text is read
  } else {
    if (len + after < 16) return false;
    found = copy(0, (uint64_t{1} << len) - 1);
  }
  if (found != 0) return false;
  for (; dots != 0; dots &= dots - 1) out[__builtin_ctzll(dots)] = '.';
  return true;
}
#endif

// The labels from `piece`, `len` bytes; `after`: bytes of the message behind the text.
void write_piece(TextWriter& writer, const uint8_t* piece, size_t len, [[maybe_unused]] uint64_t dots,
                 [[maybe_unused]] size_t after) noexcept {
#if defined(__SSE2__)
  if (write_plain(writer.out, piece + 1, len, dots, after)) {
    writer.out += len;
    return;
  }
#endif
  write_labels(writer, piece, piece + len);
}

}  // namespace

NameExtent write_name(TextWriter& writer, std::span<const uint8_t> msg, size_t off) noexcept {
  TextWriter text = writer;
  NameExtent name;
  const uint8_t* const wire = msg.data();
  size_t pos = off;
  size_t run = off;
  size_t len = 0;
  unsigned pointers = 0;
  for (;;) {
    const size_t piece = pos;
    uint64_t dots = 0;
    uint8_t label = 0;
    for (;;) {
      if (pos >= msg.size()) return {.fault = NameFault::cut};
      label = wire[pos];
      const size_t next = pos + label + 1;
      if (label == 0 || label >= 64 || next - piece > kPiece) break;
      pos = next;
      dots |= uint64_t{1} << (pos - piece - 1);
    }
    len += pos - piece;
    if (len >= kMaxNameWire) return {.fault = NameFault::bad};
    if (pos != piece) write_piece(text, wire + piece, pos - piece, dots, msg.size() - pos - 1);
    if (label == 0) break;
    if (label < 64) continue;
    if (label >= 0xc0 && pos + 1 >= msg.size()) return {.fault = NameFault::cut};
    const size_t target = static_cast<size_t>(label & 0x3fU) << 8U | (label >= 0xc0 ? wire[pos + 1] : 0U);
    if (label < 0xc0 || target >= run || target < kDnsHeaderLen || pointers == kMaxNamePointers) {
      return {.fault = NameFault::bad};
    }
    if (pointers++ == 0) name.end = static_cast<uint32_t>(pos + 2);
    run = pos = target;
  }
  if (pointers == 0) name.end = static_cast<uint32_t>(pos + 1);
  name.wire_len = static_cast<uint16_t>(len + 1);
  if (len == 0) text.put('.');
  writer = text;
  return name;
}

}  // namespace weir
