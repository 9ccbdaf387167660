#include "core/dns/rdata_text.h"
#include "core/dns/rr_cursor.h"
#include "core/dns/types.h"
#include "core/dns/wire_reader.h"
#include "exporters/json/json_dns.h"
#include "exporters/json/json_text.h"

namespace weir {
namespace {

constexpr uint16_t kTypeTsig = 250;
constexpr size_t kRrFixed = 160;  // keys, type, class, TTL

bool is_one_name(uint16_t type) noexcept {
  return type == rr_type::kCname || type == rr_type::kNs || type == rr_type::kPtr || type == rr_type::kDname;
}

char* put_rdata(char* out, size_t room, std::span<const uint8_t> msg, const Rr& rr, SoundNames& sound,
                WrittenNames& names) noexcept {
  const uint8_t* rdata = msg.data() + rr.rdata_off;
  if (rr.type == rr_type::kA && rr.rdata_len == 4) return put_v4(out, rdata);
  if (rr.type == rr_type::kAaaa && rr.rdata_len == 16) return write_addr(out, IpAddr::v6(rdata));
  TextWriter text{out};
  if (is_one_name(rr.type)) {
    const NameExtent name = write_name(text, msg, rr.rdata_off);
    if (name.sound() && name.end == rr.rdata_off + rr.rdata_len) {
      escape_json(text, out);
      sound.add(rr.rdata_off, name);
      names.set(WrittenNames::rdata, rr.rdata_off, out, text.out);
      return text.out;
    }
    text = TextWriter{out};
  }
  (void)write_rdata(text, room, rr.type, msg, rr.rdata_off, rr.rdata_len);  // the caller has made the room
  escape_json(text, out);
  return text.out;
}

// `"class":` and what belongs to it, behind the quote that ends the type.
char* put_class(char* out, uint16_t rr_class, bool mdns) noexcept {
  const bool flush = mdns && (rr_class & kMdnsClassFlag) != 0;
  if (flush) rr_class &= static_cast<uint16_t>(~kMdnsClassFlag);
  out = put(write_class(put(out, ",\"class\":\""), rr_class), "\",");
  return flush ? put(out, "\"cache_flush\":true,") : out;
}

char* put_rr(char* out, size_t rdata_room, std::span<const uint8_t> msg, const Rr& rr, bool mdns,
             SoundNames& sound, WrittenNames& names) noexcept {
  out = names.put_owner(put(out, "{\"name\":\""), msg, rr.owner_off);
  out = write_type(put(out, "\",\"type\":\""), rr.type);
  if (rr.rr_class == kClassIn) {
    out = put(out, "\",\"class\":\"IN\",\"ttl\":");
  } else {
    out = put(put_class(put(out, "\""), rr.rr_class, mdns), "\"ttl\":");
  }
  out = put(put_u32(out, rr.ttl), ",\"data\":\"");
  return put(put_rdata(out, rdata_room, msg, rr, sound, names), "\"},");
}

}  // namespace

char* put_json_name(char* out, std::span<const uint8_t> msg, size_t off) noexcept {
  TextWriter text{out};
  write_name(text, msg, off);
  escape_json(text, out);
  return text.out;
}

char* WrittenNames::put_owner(char* out, std::span<const uint8_t> msg, uint32_t off) noexcept {
  const bool pointer = msg[off] >= 0xc0;
  const uint32_t at = pointer ? load_be16(msg.data() + off) & 0x3fffU : off;
  for (const Name& name : names_)
    if (name.off == at) return copy_text(out, name.text, name.len);
  char* end = put_json_name(out, msg, at);
  set(owner, at, out, end);
  return end;
}

char* put_section(char* out, const char* end, std::span<const uint8_t> msg, const DnsMessage& dns, unsigned i,
                  bool mdns, WrittenNames& names, bool& cut) noexcept {
  constexpr unsigned kAdditional = 2;
  RrCursor cursor(msg, dns.section_off[i], dns.counts[i + 1]);
  if (dns.has_question) cursor.known().add_qname(dns.qname_len);
  const char* start = out;
  Rr rr;
  while (cursor.next(rr)) {
    if (i == kAdditional && (rr.type == rr_type::kOpt || rr.type == kTypeTsig)) continue;
    const size_t rdata_room = rdata_text_bound(rr.type, rr.rdata_len);
    if (out + kRrFixed + kJsonNameRoom + 2 * rdata_room > end) {
      cut = true;
      break;
    }
    out = put_rr(out, rdata_room, msg, rr, mdns, cursor.known(), names);
  }
  return out == start ? out : put(out - 1, "],");
}

}  // namespace weir
