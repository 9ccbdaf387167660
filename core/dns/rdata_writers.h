// The renderers behind write_rdata() and rdata_agrees(), one for each family of types; nobody else calls
// them. Each returns false if the RDATA contradicts its type: what it wrote then is worth nothing. Room for
// rdata_text_bound() is there. Out is TextWriter, or NoText, which asks only whether the RDATA agrees.
#pragma once

#include <cstdint>
#include <span>

#include "core/addr.h"
#include "core/dns/name.h"
#include "core/dns/text_writer.h"
#include "core/dns/types.h"

namespace weir {

// Where the RDATA stands. off + len is within msg.
struct Rdata {
  std::span<const uint8_t> msg;
  uint32_t off = 0;
  uint16_t len = 0;
  [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return msg.subspan(off, len); }
};

// Takes the place of a TextWriter and writes nothing.
struct NoText {
  SoundNames& known;
  void put(char) noexcept {}
  void put(std::string_view) noexcept {}
  void put_special(char) noexcept {}
};
inline void write_decimal(NoText&, uint32_t) noexcept {}
inline void write_hex(NoText&, std::span<const uint8_t>) noexcept {}
inline void write_base64(NoText&, std::span<const uint8_t>) noexcept {}
inline void write_base32hex(NoText&, std::span<const uint8_t>) noexcept {}
inline void write_quoted_bytes(NoText&, std::span<const uint8_t>) noexcept {}
inline void write_quoted(NoText&, std::span<const uint8_t>) noexcept {}
inline NameExtent write_name(NoText& out, std::span<const uint8_t> msg, size_t off) noexcept {
  const NameExtent name = measure_name(msg, off, out.known);
  if (name.sound()) out.known.add(static_cast<uint32_t>(off), name);
  return name;
}
inline void write_address(TextWriter& out, const IpAddr& addr) noexcept {
  out.out = write_addr(out.out, addr);
}
inline void write_address(NoText&, const IpAddr&) noexcept {}
inline void write_type_name(TextWriter& out, uint16_t type) noexcept { out.out = write_type(out.out, type); }
inline void write_type_name(NoText&, uint16_t) noexcept {}

// Types that are a row of plain fields. has_fields(): there is a row for the type.
[[nodiscard]] bool has_fields(uint16_t type) noexcept;
template <class Out>
[[nodiscard]] bool write_fields(Out& out, uint16_t type, const Rdata& rdata) noexcept;

template <class Out>
[[nodiscard]] bool write_svcb(Out& out, const Rdata& rdata) noexcept;  // RFC 9460
template <class Out>
[[nodiscard]] bool write_loc(Out& out, const Rdata& rdata) noexcept;  // RFC 1876
template <class Out>
[[nodiscard]] bool write_apl(Out& out, const Rdata& rdata) noexcept;  // RFC 3123

// Types that only ldns knows. Allocates. `room`: no more than that is written.
[[nodiscard]] bool left_to_ldns(uint16_t type) noexcept;
[[nodiscard]] bool write_by_ldns(TextWriter& out, size_t room, uint16_t type, const Rdata& rdata) noexcept;

}  // namespace weir
