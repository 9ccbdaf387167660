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

void write_key(TextWriter& writer, uint16_t key) noexcept {
  if (key < kKeys.size()) {
    writer.put(kKeys[key]);
  } else {
    writer.put("key");
    write_decimal(writer, key);
  }
}

bool needs_quotes(std::span<const uint8_t> value) noexcept {
  return std::ranges::any_of(
      value, [](uint8_t c) { return c == ' ' || c == '"' || c == '(' || c == ')' || c == ';'; });
}

void write_quote(TextWriter& writer) noexcept {
  writer.put('"');
  writer.json_special = true;
}

// dohpath and keys without a name.
void write_value(TextWriter& writer, std::span<const uint8_t> value) noexcept {
  const bool quotes = needs_quotes(value);
  if (quotes) write_quote(writer);
  write_quoted_bytes(writer, value);
  if (quotes) write_quote(writer);
}

bool write_alpn(TextWriter& writer, std::span<const uint8_t> value) noexcept {
  const bool quotes = needs_quotes(value);  // of a length byte, too: harmless
  if (quotes) write_quote(writer);
  WireReader reader(value);
  for (bool first = true; reader.left() != 0; first = false) {
    if (!first) writer.put(',');
    const uint8_t len = reader.u8();
    const auto id = reader.bytes(len);
    if (len == 0 || !reader.ok()) return false;
    for (size_t i = 0; i < id.size(); ++i) {
      if (id[i] == ',') {
        writer.put("\\\\");
        writer.json_special = true;
      }
      write_quoted_bytes(writer, id.subspan(i, 1));
      if (id[i] == '\\') writer.put("\\\\");
    }
  }
  if (quotes) write_quote(writer);
  return true;
}

bool write_mandatory(TextWriter& writer, std::span<const uint8_t> value) noexcept {
  WireReader reader(value);
  uint16_t last = kMandatory;
  for (bool first = true; reader.left() != 0; first = false) {
    const uint16_t key = reader.u16();
    if (!reader.ok() || key <= last) return false;  // RFC 9460 section 8: rising, never itself
    last = key;
    if (!first) writer.put(',');
    write_key(writer, key);
  }
  return true;
}

bool write_addresses(TextWriter& writer, std::span<const uint8_t> value, size_t size) noexcept {
  if (value.size() % size != 0) return false;
  for (size_t i = 0; i < value.size(); i += size) {
    if (i != 0) writer.put(',');
    writer.out = write_addr(writer.out, IpAddr::from_wire(value.subspan(i, size)));
  }
  return true;
}

bool write_param(TextWriter& writer, uint16_t key, std::span<const uint8_t> value) noexcept {
  writer.put(' ');
  write_key(writer, key);
  if (key == kNoDefaultAlpn || key == kOhttp) return value.empty();
  if (value.empty()) return key >= kKeys.size();  // those with a meaning need a value
  writer.put('=');
  switch (key) {
    case kMandatory:
      return write_mandatory(writer, value);
    case kAlpn:
      return write_alpn(writer, value);
    case kPort:
      if (value.size() != 2) return false;
      write_decimal(writer, load_be16(value.data()));
      return true;
    case kIpv4Hint:
      return write_addresses(writer, value, 4);
    case kEch:
      write_base64(writer, value);
      return true;
    case kIpv6Hint:
      return write_addresses(writer, value, 16);
    default:
      write_value(writer, value);
      return true;
  }
}

}  // namespace

bool write_svcb(TextWriter& writer, const Rdata& rdata) noexcept {
  const auto msg = rdata.msg.first(rdata.off + rdata.len);
  WireReader reader(msg, rdata.off);
  write_decimal(writer, reader.u16());
  writer.put(' ');
  const NameExtent target = write_name(writer, msg, reader.offset());
  if (!reader.ok() || !target.sound()) return false;
  reader.skip(target.end - reader.offset());
  int last = -1;
  while (reader.left() != 0) {
    const uint16_t key = reader.u16();
    const uint16_t len = reader.u16();
    const auto value = reader.bytes(len);
    if (!reader.ok() || key <= last) return false;  // RFC 9460 section 2.2: in rising order
    last = key;
    if (!write_param(writer, key, value)) return false;
  }
  return true;
}

}  // namespace weir
