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
  NameFault fault = NameFault::none;
  [[nodiscard]] bool sound() const noexcept { return fault == NameFault::none; }
};

// The name at `off` of the message (offsets in pointers count from its first byte).
[[nodiscard]] NameExtent measure_name(std::span<const uint8_t> msg, size_t off) noexcept;

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
// Equal names have equal hashes. Names are chosen by strangers: a table that must not be flooded takes a
// random seed.
[[nodiscard]] uint64_t hash_name(std::span<const uint8_t> name, uint64_t seed = 0) noexcept;

}  // namespace weir
