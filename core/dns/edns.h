// EDNS options (RFC 6891 section 6.1.2): walking OPT's RDATA, and the text of options. Formats call it for
// messages with EDNS; any lcore; hot path.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/dns/text_writer.h"

namespace weir {

namespace edns_option {
inline constexpr uint16_t kNsid = 3;        // RFC 5001
inline constexpr uint16_t kEcs = 8;         // RFC 7871
inline constexpr uint16_t kCookie = 10;     // RFC 7873
inline constexpr uint16_t kKeepalive = 11;  // RFC 7828
inline constexpr uint16_t kPadding = 12;    // RFC 7830
inline constexpr uint16_t kEde = 15;        // RFC 8914
}  // namespace edns_option

struct EdnsOption {
  uint16_t code = 0;
  std::span<const uint8_t> data;
};

class EdnsCursor {
 public:
  // `rdata`: OPT's; outlives the cursor.
  explicit EdnsCursor(std::span<const uint8_t> rdata) noexcept : left_(rdata) {}
  // false: no more, or the next option runs past the end.
  bool next(EdnsOption& option) noexcept;
  // Once next() gave false: the options end where the RDATA ends.
  [[nodiscard]] bool sound() const noexcept { return left_.empty(); }

 private:
  std::span<const uint8_t> left_;
};

// Each writer returns false, and writes nothing, if the data contradicts the option.

// Address, source and scope prefix: "192.0.2.0/24/0". At most 54 bytes. The address must have just the bytes
// that the source prefix needs (RFC 7871 section 6); "0.0.0.0/0/0" asks for no subnet.
[[nodiscard]] bool write_ecs(TextWriter& writer, std::span<const uint8_t> data) noexcept;

// Hex, the client's eight bytes and then 0 or 8..32 of the server's.
[[nodiscard]] bool write_cookie(TextWriter& writer, std::span<const uint8_t> data) noexcept;

struct ExtendedError {
  uint16_t code = 0;
  std::span<const uint8_t> text;  // UTF-8 or not; RFC 8914 section 2 has no NUL at its end, but some send one
};
[[nodiscard]] bool read_extended_error(std::span<const uint8_t> data, ExtendedError& error) noexcept;
// IANA's registry: "Blocked", "DNSSEC Bogus". Empty: no name.
std::string_view extended_error_name(uint16_t code) noexcept;

// Time-out in units of 100 ms; a query has none: `has_timeout`.
struct Keepalive {
  bool has_timeout = false;
  uint16_t timeout = 0;
};
[[nodiscard]] bool read_keepalive(std::span<const uint8_t> data, Keepalive& keepalive) noexcept;

}  // namespace weir
