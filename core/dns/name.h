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

namespace weir {

inline constexpr size_t kDnsHeaderLen = 12;
inline constexpr size_t kMaxNameWire = 255;  // RFC 1035 section 2.3.4, root label included

enum class NameFault : uint8_t {
  none,
  cut,  // runs past the end of the message
  bad,  // a label type that is not defined, a pointer that does not go backwards, or over 255 bytes
};

struct NameExtent {
  uint32_t end = 0;       // offset behind the name where it stands: behind its root label or first pointer
  uint16_t wire_len = 0;  // bytes of the name uncompressed, root label included
  NameFault fault = NameFault::none;
};

// The name at `off` of the message (offsets in pointers count from its first byte).
[[nodiscard]] NameExtent measure_name(std::span<const uint8_t> msg, size_t off) noexcept;

}  // namespace weir
