#include "core/dns/edns.h"

#include <array>
#include <cstring>

#include "core/addr.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

// https://www.iana.org/assignments/dns-parameters, Extended DNS Error Codes.
constexpr std::array<std::string_view, 31> kExtendedErrors = {
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
};

}  // namespace

bool EdnsCursor::next(EdnsOption& option) noexcept {
  WireReader reader(left_);
  option.code = reader.u16();
  option.data = reader.bytes(reader.u16());
  if (!reader.ok()) return false;
  left_ = left_.subspan(reader.offset());
  return true;
}

bool write_ecs(TextWriter& writer, std::span<const uint8_t> data) noexcept {
  WireReader reader(data);
  const uint16_t family = reader.u16();
  const uint8_t source = reader.u8();
  const uint8_t scope = reader.u8();
  const auto given = reader.bytes(reader.left());
  const size_t full = family == 1 ? 4 : 16;
  if (!reader.ok() || family == 0 || family > 2 || source > 8 * full || scope > 8 * full) return false;
  if (given.size() != (source + size_t{7}) / 8) return false;
  std::array<uint8_t, 16> address{};
  if (!given.empty()) std::memcpy(address.data(), given.data(), given.size());
  writer.out = write_addr(writer.out, full == 4 ? IpAddr::v4(address.data()) : IpAddr::v6(address.data()));
  writer.put('/');
  write_decimal(writer, source);
  writer.put('/');
  write_decimal(writer, scope);
  return true;
}

bool write_cookie(TextWriter& writer, std::span<const uint8_t> data) noexcept {
  if (data.size() != 8 && (data.size() < 16 || data.size() > 40)) return false;
  write_hex(writer, data);
  return true;
}

bool read_extended_error(std::span<const uint8_t> data, ExtendedError& error) noexcept {
  if (data.size() < 2) return false;
  error.code = load_be16(data.data());
  error.text = data.subspan(2);
  if (!error.text.empty() && error.text.back() == 0) error.text = error.text.first(error.text.size() - 1);
  return true;
}

std::string_view extended_error_name(uint16_t code) noexcept {
  return code < kExtendedErrors.size() ? kExtendedErrors[code] : std::string_view();
}

bool read_keepalive(std::span<const uint8_t> data, Keepalive& keepalive) noexcept {
  if (!data.empty() && data.size() != 2) return false;
  keepalive.has_timeout = data.size() == 2;
  keepalive.timeout = keepalive.has_timeout ? load_be16(data.data()) : uint16_t{0};
  return true;
}

}  // namespace weir
