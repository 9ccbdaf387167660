// Domain names in DNS messages: where one ends and whether it is sound. Pure functions on bytes; any lcore;
// hot path.
//
//   name    = *label ( root / pointer )
//   label   = length 1..63, that many bytes          root = 0
//   pointer = two bytes, 11 and 14 bits of offset: back to before the run of labels that it ends, never into
//   the
//             header (RFC 1035 section 4.1.4: a *prior* occurrence of a *name*; so a QNAME holds none)
//
// The label types 01 and 10 are refused (RFC 6891 section 5). Work is bounded: at most 127 labels, for 255
// bytes hold no more, and at most 127 pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/dns/text_writer.h"

namespace weir {

inline constexpr size_t kDnsHeaderLen = 12;
inline constexpr size_t kMaxNameWire = 255;  // RFC 1035 section 2.3.4, root label included
inline constexpr unsigned kMaxNamePointers = 127;

enum class NameFault : uint8_t {
  none,
  cut,  // runs past the end of the message
  bad,  // a label type that is not defined, a pointer that does not go backwards, or over 255 bytes
};

struct NameExtent {
  uint32_t end = 0;       // offset behind the name where it stands: behind its root label or first pointer
  uint16_t wire_len = 0;  // bytes of the name uncompressed, root label included
  uint8_t pointers = 0;   // how many were followed
  NameFault fault = NameFault::none;
  [[nodiscard]] bool sound() const noexcept { return fault == NameFault::none; }
};

// The name at `off` of the message (offsets in pointers count from its first byte).
[[nodiscard]] NameExtent measure_name(std::span<const uint8_t> msg, size_t off) noexcept;

// Names of one message that are known to be sound. Most pointers in a message go to its QNAME or to the
// target of the CNAME before; those need not be followed again. Verdicts are the same with and without.
class SoundNames {
 public:
  // Sound ones only. The QNAME stays, of others the last one is kept.
  void add_qname(uint16_t wire_len) noexcept {
    qname_ = {.off = kDnsHeaderLen, .name = {.wire_len = wire_len}};
  }
  void add(uint32_t off, const NameExtent& name) noexcept { last_ = {off, name}; }
  // The name at the offset, or nullptr.
  [[nodiscard]] const NameExtent* at(uint32_t off) const noexcept {
    if (qname_.off == off) return &qname_.name;
    return last_.off == off ? &last_.name : nullptr;
  }

 private:
  struct Known {
    uint32_t off = UINT32_MAX;  // no name stands there; 0 is where a hostile pointer may go
    NameExtent name;
  };
  Known qname_;
  Known last_;
};
// The known names stand before `off`.
[[nodiscard]] NameExtent measure_name_by_labels(std::span<const uint8_t> msg, size_t off,
                                                const SoundNames& known) noexcept;
[[nodiscard]] inline NameExtent measure_name(std::span<const uint8_t> msg, size_t off,
                                             const SoundNames& known) noexcept {
  if (off + 2 <= msg.size()) {
    const uint8_t label = msg[off];
    if (label == 0) return {.end = static_cast<uint32_t>(off + 1), .wire_len = 1};
    if (label >= 0xc0) {
      const NameExtent* whole = known.at((label & 0x3fU) << 8U | msg[off + 1]);
      if (whole != nullptr && whole->pointers < kMaxNamePointers) {
        return {.end = static_cast<uint32_t>(off + 2),
                .wire_len = whole->wire_len,
                .pointers = static_cast<uint8_t>(whole->pointers + 1)};
      }
    }
  }
  return measure_name_by_labels(msg, off, known);
}

// 250 bytes of labels at four characters (\DDD) and four dots make 1004; the rest is what a writer of 16
// bytes at a time touches behind the text.
inline constexpr size_t kMaxNameText = 1004;
inline constexpr size_t kNameTextRoom = 1024;

// The name at `off` as text: absolute, so with the trailing dot ("." for the root), its case kept, escaped as
// ldns does (RFC 1035 section 5.1): `\.` `\;` `\(` `\)` `\\` and \DDD for what is not graphic ASCII, the
// space included. One more than ldns: `\"`, for a quote at the start of a label would start a quoted string.
// `@` and `$` stay: they are special only as a whole token and at the start of a line, and a name that ends
// in a dot is neither.
// Returns what measure_name() returns; nothing is written if that is a fault.
NameExtent write_name(TextWriter& writer, std::span<const uint8_t> msg, size_t off) noexcept;

// Uncompressed names in wire form, as a QNAME stands in its message. Letters are equal in either case (RFC
// 4343); nothing else is folded.
[[nodiscard]] bool names_equal(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept;
// Writes the name at `out`, name.size() bytes: the same bytes for all names that are equal.
void fold_name(std::span<const uint8_t> name, uint8_t* out) noexcept;

}  // namespace weir
