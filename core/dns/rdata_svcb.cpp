// SVCB and HTTPS (RFC 9460): "1 . alpn=h2,h3 ipv4hint=192.0.2.1". Values stand without quotes, as ldns writes
// them, unless they hold a space or a character that ends a token. In the lists of alpn a comma or a
// backslash is escaped twice (RFC 9460 appendix A.1), which ldns does not do.
#include <algorithm>
#include <array>

#include "core/addr.h"
#include "core/dns/name.h"
#include "core/dns/rdata_writers.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

enum Key : uint16_t {
  kMandatory,
  kAlpn,
  kNoDefaultAlpn,
  kPort,
  kIpv4Hint,
  kEch,
  kIpv6Hint,
  kDohPath,
  kOhttp
};

// IANA's registry of service parameter keys.
constexpr std::array<std::string_view, 9> kKeys = {
    "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"};

template <class Out>
void write_key(Out& out, uint16_t key) noexcept {
  if (key < kKeys.size()) {
    out.put(kKeys[key]);
  } else {
    out.put("key");
    write_decimal(out, key);
  }
}

bool needs_quotes(std::span<const uint8_t> value) noexcept {
  return std::ranges::any_of(
      value, [](uint8_t c) { return c == ' ' || c == '"' || c == '(' || c == ')' || c == ';'; });
}

template <class Out>
void write_quote(Out& out) noexcept {
  out.put_special('"');
}

// dohpath and keys without a name.
template <class Out>
void write_value(Out& out, std::span<const uint8_t> value) noexcept {
  const bool quotes = needs_quotes(value);
  if (quotes) write_quote(out);
  write_quoted_bytes(out, value);
  if (quotes) write_quote(out);
}

template <class Out>
bool write_alpn(Out& out, std::span<const uint8_t> value) noexcept {
  const bool quotes = needs_quotes(value);  // of a length byte, too: harmless
  if (quotes) write_quote(out);
  WireReader reader(value);
  for (bool first = true; reader.left() != 0; first = false) {
    if (!first) out.put(',');
    const uint8_t len = reader.u8();
    const auto id = reader.bytes(len);
    if (len == 0 || !reader.ok()) return false;
    for (size_t i = 0; i < id.size(); ++i) {
      if (id[i] == ',') {
        out.put_special('\\');
        out.put('\\');
      }
      write_quoted_bytes(out, id.subspan(i, 1));
      if (id[i] == '\\') out.put("\\\\");
    }
  }
  if (quotes) write_quote(out);
  return true;
}

template <class Out>
bool write_mandatory(Out& out, std::span<const uint8_t> value) noexcept {
  WireReader reader(value);
  uint16_t last = kMandatory;
  for (bool first = true; reader.left() != 0; first = false) {
    const uint16_t key = reader.u16();
    if (!reader.ok() || key <= last) return false;  // RFC 9460 section 8: rising, never itself
    last = key;
    if (!first) out.put(',');
    write_key(out, key);
  }
  return true;
}

template <class Out>
bool write_addresses(Out& out, std::span<const uint8_t> value, size_t size) noexcept {
  if (value.size() % size != 0) return false;
  for (size_t i = 0; i < value.size(); i += size) {
    if (i != 0) out.put(',');
    write_address(out, IpAddr::from_wire(value.subspan(i, size)));
  }
  return true;
}

template <class Out>
bool write_param(Out& out, uint16_t key, std::span<const uint8_t> value) noexcept {
  out.put(' ');
  write_key(out, key);
  if (key == kNoDefaultAlpn || key == kOhttp) return value.empty();
  if (value.empty()) return key >= kKeys.size();  // those with a meaning need a value
  out.put('=');
  switch (key) {
    case kMandatory:
      return write_mandatory(out, value);
    case kAlpn:
      return write_alpn(out, value);
    case kPort:
      if (value.size() != 2) return false;
      write_decimal(out, load_be16(value.data()));
      return true;
    case kIpv4Hint:
      return write_addresses(out, value, 4);
    case kEch:
      write_base64(out, value);
      return true;
    case kIpv6Hint:
      return write_addresses(out, value, 16);
    default:
      write_value(out, value);
      return true;
  }
}

}  // namespace

template <class Out>
bool write_svcb(Out& out, const Rdata& rdata) noexcept {
  WireReader reader(rdata.msg.first(rdata.off + rdata.len), rdata.off);
  write_decimal(out, reader.u16());
  out.put(' ');
  const NameExtent target = write_name(out, rdata.msg, reader.offset());
  if (!reader.ok() || !target.sound()) return false;
  reader.skip(target.end - reader.offset());
  int last = -1;
  while (reader.left() != 0) {
    const uint16_t key = reader.u16();
    const uint16_t len = reader.u16();
    const auto value = reader.bytes(len);
    if (!reader.ok() || key <= last) return false;  // RFC 9460 section 2.2: in rising order
    last = key;
    if (!write_param(out, key, value)) return false;
  }
  return reader.ok();
}

template bool write_svcb(TextWriter& out, const Rdata& rdata) noexcept;
template bool write_svcb(NoText& out, const Rdata& rdata) noexcept;

}  // namespace weir
