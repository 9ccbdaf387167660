#include "core/dns/rdata_text.h"
#include "core/dns/rr_cursor.h"
#include "core/dns/types.h"
#include "core/dns/wire_reader.h"
#include "exporters/json_dns.h"
#include "exporters/json_text.h"

namespace weir {
namespace {

constexpr uint16_t kTypeTsig = 250;
constexpr size_t kRrFixed = 160;  // keys, type, class, TTL

// Sixteen bytes at a time, up to fifteen more than asked for.
char* copy_text(char* out, const char* text, size_t len) noexcept {
  for (size_t i = 0; i < len; i += 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i)));
  return out + len;
}

bool is_one_name(uint16_t type) noexcept {
  return type == rr_type::kCname || type == rr_type::kNs || type == rr_type::kPtr || type == rr_type::kDname;
}

char* put_rdata(char* out, size_t room, std::span<const uint8_t> msg, const Rr& rr,
                WrittenNames& names) noexcept {
  const uint8_t* rdata = msg.data() + rr.rdata_off;
  if (rr.type == rr_type::kA && rr.rdata_len == 4) return put_v4(out, rdata);
  if (rr.type == rr_type::kAaaa && rr.rdata_len == 16) return write_addr(out, IpAddr::v6(rdata));
  TextWriter text{out};
  if (is_one_name(rr.type)) {
    const NameExtent name = write_name(text, msg, rr.rdata_off);
    if (name.sound() && name.end == rr.rdata_off + rr.rdata_len) {
      escape_json(text, out);
      names.set(WrittenNames::rdata, rr.rdata_off, out, text.out);
      return text.out;
    }
    text = TextWriter{out};
  }
  (void)write_rdata(text, room, rr.type, msg, rr.rdata_off, rr.rdata_len);  // the caller has made the room
  escape_json(text, out);
  return text.out;
}

char* put_rr(char* out, size_t rdata_room, std::span<const uint8_t> msg, const Rr& rr,
             WrittenNames& names) noexcept {
  out = names.put_owner(put(out, "{\"name\":\""), msg, rr.owner_off);
  out = write_type(put(out, "\",\"type\":\""), rr.type);
  if (rr.rr_class == kClassIn) {
    out = put(out, "\",\"class\":\"IN\",\"ttl\":");
  } else {
    out = put(write_class(put(out, "\",\"class\":\""), rr.rr_class), "\",\"ttl\":");
  }
  out = put(put_u32(out, rr.ttl), ",\"data\":\"");
  return put(put_rdata(out, rdata_room, msg, rr, names), "\"},");
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

char* put_section(char* out, const char* end, std::span<const uint8_t> msg, const JsonSection& section,
                  WrittenNames& names, bool& cut) noexcept {
  if (section.off == 0 || section.count == 0) return out;
  char* start = out;
  char* first = out = put(out, section.key);
  RrCursor cursor(msg, section.off, section.count);
  Rr rr;
  while (cursor.next(rr)) {
    if (section.leave_out_meta && (rr.type == rr_type::kOpt || rr.type == kTypeTsig)) continue;
    const size_t rdata_room = rdata_text_bound(rr.type, rr.rdata_len);
    const size_t need = kRrFixed + kJsonNameRoom + 2 * rdata_room;
    if (out > end || static_cast<size_t>(end - out) < need) {
      cut = true;
      break;
    }
    out = put_rr(out, rdata_room, msg, rr, names);
  }
  if (out == first) return start;
  return put(out - 1, "],");
}

}  // namespace weir
