#include "core/dns/rdata_text.h"

#include "core/addr.h"
#include "core/dns/name.h"
#include "core/dns/rdata_writers.h"

namespace weir {
namespace {

template <class Out>
bool write_one_address(Out& out, const Rdata& rdata, uint16_t len) noexcept {
  if (rdata.len != len) return false;
  write_address(out, IpAddr::from_wire(rdata.bytes()));
  return true;
}

template <class Out>
bool write_one_name(Out& out, const Rdata& rdata) noexcept {
  const NameExtent name = write_name(out, rdata.msg, rdata.off);
  return name.sound() && name.end == rdata.off + rdata.len;
}

enum class Rendered : uint8_t { yes, contradiction, unknown_type };

template <class Out>
Rendered write_known(Out& out, uint16_t type, const Rdata& rdata) noexcept {
  bool agrees = false;
  switch (type) {
    case rr_type::kA:
      agrees = write_one_address(out, rdata, 4);
      break;
    case rr_type::kAaaa:
      agrees = write_one_address(out, rdata, 16);
      break;
    case rr_type::kCname:
    case rr_type::kNs:
    case rr_type::kPtr:
    case rr_type::kDname:
      agrees = write_one_name(out, rdata);
      break;
    case rr_type::kSvcb:
    case rr_type::kHttps:
      agrees = write_svcb(out, rdata);
      break;
    case rr_type::kLoc:
      agrees = write_loc(out, rdata);
      break;
    case rr_type::kApl:
      agrees = write_apl(out, rdata);
      break;
    default:
      if (!has_fields(type)) return Rendered::unknown_type;
      agrees = write_fields(out, type, rdata);
  }
  return agrees ? Rendered::yes : Rendered::contradiction;
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
  Rendered rendered = write_known(text, type, rdata);
  if (rendered == Rendered::unknown_type && left_to_ldns(type) && write_by_ldns(text, bound, type, rdata)) {
    rendered = Rendered::yes;
  }
  if (rendered == Rendered::yes) {
    writer = text;
  } else {
    write_generic(writer, rdata);
  }
  return true;
}

bool rdata_agrees(uint16_t type, std::span<const uint8_t> msg, uint32_t rdata_off, uint16_t rdata_len,
                  SoundNames& known) noexcept {
  NoText none{.known = known};
  return write_known(none, type, {.msg = msg, .off = rdata_off, .len = rdata_len}) != Rendered::contradiction;
}

}  // namespace weir
