#include "core/dns/rdata_text.h"

#include "core/addr.h"
#include "core/dns/name.h"
#include "core/dns/rdata_writers.h"

namespace weir {
namespace {

bool write_ipv4(TextWriter& writer, const Rdata& rdata) noexcept {
  if (rdata.len != 4) return false;
  writer.out = write_addr(writer.out, IpAddr::v4(&rdata.msg[rdata.off]));
  return true;
}

bool write_ipv6(TextWriter& writer, const Rdata& rdata) noexcept {
  if (rdata.len != 16) return false;
  writer.out = write_addr(writer.out, IpAddr::v6(&rdata.msg[rdata.off]));
  return true;
}

bool write_one_name(TextWriter& writer, const Rdata& rdata) noexcept {
  const NameExtent name = write_name(writer, rdata.msg, rdata.off);
  return name.sound() && name.end == rdata.off + rdata.len;
}

bool write_known(TextWriter& writer, size_t room, uint16_t type, const Rdata& rdata) noexcept {
  switch (type) {
    case rr_type::kA:
      return write_ipv4(writer, rdata);
    case rr_type::kAaaa:
      return write_ipv6(writer, rdata);
    case rr_type::kCname:
    case rr_type::kNs:
    case rr_type::kPtr:
    case rr_type::kDname:
      return write_one_name(writer, rdata);
    case rr_type::kSvcb:
    case rr_type::kHttps:
      return write_svcb(writer, rdata);
    case rr_type::kLoc:
      return write_loc(writer, rdata);
    case rr_type::kApl:
      return write_apl(writer, rdata);
    default:
      break;
  }
  if (has_fields(type)) return write_fields(writer, type, rdata);
  return left_to_ldns(type) && write_by_ldns(writer, room, type, rdata);
}

// RFC 3597 section 5.
void write_generic(TextWriter& writer, const Rdata& rdata) noexcept {
  writer.put("\\# ");
  writer.json_special = true;
  write_decimal(writer, rdata.len);
  if (rdata.len == 0) return;
  writer.put(' ');
  write_hex(writer, rdata.bytes());
}

}  // namespace

bool write_rdata(TextWriter& writer, size_t room, uint16_t type, std::span<const uint8_t> msg,
                 uint32_t rdata_off, uint16_t rdata_len) noexcept {
  const size_t bound = rdata_text_bound(type, rdata_len);
  if (room < bound || rdata_off > msg.size() || rdata_len > msg.size() - rdata_off) return false;
  const Rdata rdata{.msg = msg, .off = rdata_off, .len = rdata_len};
  TextWriter text = writer;
  if (write_known(text, bound, type, rdata)) {
    writer = text;
  } else {
    write_generic(writer, rdata);
  }
  return true;
}

}  // namespace weir
