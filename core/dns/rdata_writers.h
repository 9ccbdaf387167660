// The renderers behind write_rdata(), one for each family of types; nobody else calls them. Each returns
// false if the RDATA contradicts its type: what it wrote then is worth nothing. Room for rdata_text_bound()
// is there.
#pragma once

#include <cstdint>
#include <span>

#include "core/dns/text_writer.h"

namespace weir {

// Where the RDATA stands. off + len is within msg.
struct Rdata {
  std::span<const uint8_t> msg;
  uint32_t off = 0;
  uint16_t len = 0;
  [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return msg.subspan(off, len); }
};

// Types that are a row of plain fields. has_fields(): there is a row for the type.
[[nodiscard]] bool has_fields(uint16_t type) noexcept;
[[nodiscard]] bool write_fields(TextWriter& writer, uint16_t type, const Rdata& rdata) noexcept;

[[nodiscard]] bool write_svcb(TextWriter& writer, const Rdata& rdata) noexcept;  // RFC 9460
[[nodiscard]] bool write_loc(TextWriter& writer, const Rdata& rdata) noexcept;   // RFC 1876
[[nodiscard]] bool write_apl(TextWriter& writer, const Rdata& rdata) noexcept;   // RFC 3123

// Types that only ldns knows. Allocates. `room`: no more than that is written.
[[nodiscard]] bool left_to_ldns(uint16_t type) noexcept;
[[nodiscard]] bool write_by_ldns(TextWriter& writer, size_t room, uint16_t type, const Rdata& rdata) noexcept;

}  // namespace weir
