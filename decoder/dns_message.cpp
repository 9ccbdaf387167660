#include "decoder/dns_message.h"

#include "core/dns/name.h"
#include "core/dns/rr_cursor.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

constexpr uint16_t kTypeOpt = 41;

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

  uint32_t off = walk_questions(wire, out);
  if (off == 0) return;
  for (unsigned section = 0; section < 3; ++section) {
    out.section_off[section] = off;
    RrCursor cursor(wire, off, out.counts[section + 1]);
    Rr rr;
    while (cursor.next(rr)) {
      if (rr.type == kTypeOpt && section == 2 && !out.has_edns) take_opt(wire, rr, out);
    }
    if (cursor.fault() != Malformed::none) {
      if (out.malformed == Malformed::none) out.malformed = cursor.fault();
      return;
    }
    off = cursor.offset();
  }
  if (off != wire.size() && out.malformed == Malformed::none) out.malformed = Malformed::trailing_bytes;
}

}  // namespace weir
