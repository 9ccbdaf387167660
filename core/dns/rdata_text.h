// RDATA as presentation text. Formats call it for every RR that they show; any lcore; hot path. Types with a
// renderer of our own: see rdata_fields.cpp (a table of fields), rdata_svcb.cpp, rdata_loc.cpp,
// rdata_apl.cpp. A tail of rare types is left to ldns (rdata_ldns.cpp; it allocates, and costs some 2 us an
// RR). What has neither, and RDATA that contradicts its type, is written as RFC 3597 section 5 says: `\# 4
// c0000201`.
//
// Choices where RFCs leave one: digests, salts and hashes in lower case; types in bitmaps by name; times of
// RRSIG as YYYYMMDDHHMMSS, 1970 to 2106; algorithms as numbers; SVCB values without quotes unless they need
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/dns/name.h"
#include "core/dns/text_writer.h"
#include "core/dns/types.h"

namespace weir {

// Bytes that write_rdata() may write for `len` bytes of RDATA: two names and the fixed fields of any type,
// five for each byte of strings (`\DDD`, and what lists in SVCB add), and for bitmaps of types up to ten and
// a space for each bit.
constexpr size_t rdata_text_bound(uint16_t type, size_t len) noexcept {
  constexpr size_t kFixed = 2304;
  constexpr size_t kAllTypes = size_t{65536} * 11;
  const bool bitmap = type == rr_type::kNsec || type == rr_type::kNsec3 || type == rr_type::kCsync;
  return kFixed + 5 * len + (bitmap ? std::min(88 * len, kAllTypes) : 0);
}
inline constexpr size_t kMaxRdataText = rdata_text_bound(rr_type::kNsec, 65535);

// The RDATA at `rdata_off` of the message, which its names may point back into, as RrCursor gave it. false,
// and nothing is written: `room` is less than rdata_text_bound(). Escaping the text for JSON in place needs
// as much again.
[[nodiscard]] bool write_rdata(TextWriter& writer, size_t room, uint16_t type, std::span<const uint8_t> msg,
                               uint32_t rdata_off, uint16_t rdata_len) noexcept;

// Whether the RDATA, which is within the message, agrees with its type; types without a renderer of our own
// agree with anything. Names that it reads are added to `known`.
[[nodiscard]] bool rdata_agrees(uint16_t type, std::span<const uint8_t> msg, uint32_t rdata_off,
                                uint16_t rdata_len, SoundNames& known) noexcept;

}  // namespace weir
