#include "decoder/dns_message.h"

#include "core/dns/name.h"
#include "core/dns/rdata_text.h"
#include "core/dns/rr_cursor.h"
#include "core/dns/types.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

// What most answers hold is looked at here, to spare a call for each.
bool rdata_sound(std::span<const uint8_t> wire, const Rr& rr, SoundNames& known) noexcept {
  // Updates ask for RRs and delete them by empty RDATA in the classes ANY and NONE (RFC 2136 section 2.4
  // and 2.5).
  if (rr.rdata_len == 0 && rr.rr_class != kClassIn) return true;
  if (rr.type == rr_type::kA) return rr.rdata_len == 4;
  if (rr.type == rr_type::kAaaa) return rr.rdata_len == 16;
  if (rr.type == rr_type::kCname) {
    const NameExtent target = measure_name(wire, rr.rdata_off, known);
    if (!target.sound()) return false;
    known.add(rr.rdata_off, target);
    return target.end == rr.rdata_off + rr.rdata_len;
  }
  return rdata_agrees(rr.type, wire, rr.rdata_off, rr.rdata_len, known);
}

// RFC 6891 section 6.1.2: {code, length, data}.
bool options_sound(std::span<const uint8_t> options) noexcept {
  while (options.size() >= 4) {
    const size_t len = size_t{4} + load_be16(options.data() + 2);
    if (len > options.size()) return false;
    options = options.subspan(len);
  }
  return options.empty();
}

// RFC 6891 section 6.1.3: CLASS is the size, TTL holds the rcode's upper bits, the version and the flags.
void take_opt(std::span<const uint8_t> wire, const Rr& rr, DnsMessage& out) noexcept {
  out.has_edns = true;
  out.opt_off = rr.rdata_off;
  out.opt_len = rr.rdata_len;
  out.edns_udp_size = rr.rr_class;
  out.rcode = static_cast<uint16_t>(out.rcode | (rr.ttl >> 24U) << 4U);
  out.edns_version = static_cast<uint8_t>(rr.ttl >> 16U);
  out.edns_flags = static_cast<uint16_t>(rr.ttl);
  if (!options_sound(wire.subspan(rr.rdata_off, rr.rdata_len)) && out.malformed == Malformed::none) {
    out.malformed = Malformed::opt_bad;
  }
}

// The offset behind the questions; 0: a fault.
uint32_t walk_questions(std::span<const uint8_t> wire, DnsMessage& out) noexcept {
  uint32_t off = kDnsHeaderLen;
  for (uint32_t i = 0; i < out.counts[0]; ++i) {
    const NameExtent name = measure_name(wire, off);
    if (name.fault == NameFault::bad) {
      out.malformed = Malformed::name_bad;
      return 0;
    }
    if (name.fault == NameFault::cut || wire.size() - name.end < 4) {
      out.malformed = Malformed::question_cut;
      return 0;
    }
    if (i == 0) {
      out.has_question = true;
      out.qname_len = name.wire_len;
      out.qtype = load_be16(wire.data() + name.end);
      out.qclass = load_be16(wire.data() + name.end + 2);
    }
    off = name.end + 4;
  }
  return off;
}

}  // namespace

void walk_dns_message(std::span<const uint8_t> wire, DnsMessage& out) noexcept {
  if (wire.size() < kDnsHeaderLen) {
    out.malformed = Malformed::header_short;
    return;
  }
  const uint8_t* p = wire.data();
  out.has_header = true;
  out.id = load_be16(p);
  out.flags = load_be16(p + 2);
  out.rcode = out.flags & 15U;
  for (unsigned i = 0; i < 4; ++i) out.counts[i] = load_be16(p + 4 + 2 * i);

  const uint32_t answers = walk_questions(wire, out);
  if (answers == 0) return;
  RrCursor cursor(wire, answers, 0);
  if (out.has_question) cursor.known().add_qname(out.qname_len);
  for (unsigned section = 0; section < 3; ++section) {
    out.section_off[section] = cursor.offset();
    cursor.next_section(out.counts[section + 1]);
    Rr rr;
    while (cursor.next(rr)) {
      if (rr.type == rr_type::kOpt) {
        if (section == 2 && !out.has_edns) take_opt(wire, rr, out);
      } else if (!rdata_sound(wire, rr, cursor.known()) && out.malformed == Malformed::none) {
        out.malformed = Malformed::rdata_bad;
      }
    }
    if (cursor.fault() != Malformed::none) {
      if (out.malformed == Malformed::none) out.malformed = cursor.fault();
      return;
    }
  }
  if (cursor.offset() != wire.size() && out.malformed == Malformed::none)
    out.malformed = Malformed::trailing_bytes;
}

}  // namespace weir
