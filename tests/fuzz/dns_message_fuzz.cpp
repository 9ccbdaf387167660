// The walk over a DNS message and all text of its names, RDATA and options, in heap blocks of exactly the
// stated size, with ldns as the oracle: what ldns refuses, the walk must refuse; where both have text for
// RDATA, it must be the same but for the differences named below.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/dns/edns.h"
#include "core/dns/name.h"
#include "core/dns/rdata_text.h"
#include "core/dns/rr_cursor.h"
#include "decoder/dns_message.h"
#include "tests/ldns_oracle.h"

namespace weir {
namespace {

void check(bool holds, const char* what, const std::string& detail = {}) {
  if (holds) return;
  std::fprintf(stderr, "%s %s\n", what, detail.c_str());
  std::abort();
}

// Text of a writer that is given exactly `room`.
template <class Write>
std::string written(size_t room, Write write) {
  const std::unique_ptr<char[]> text(new char[2 * room]);
  TextWriter writer{.out = text.get()};
  write(writer);
  std::string result(text.get(), writer.out);
  check(result.size() <= room, "over its bound");
  for (char c : result) check(c >= 0x20 && c <= 0x7e, "not printable", result);
  check(writer.json_special == (result.find_first_of("\\\"") != std::string::npos), "json_special", result);
  escape_json(writer, text.get());
  for (const char* p = text.get(); p != writer.out; ++p) {
    if (*p == '\\')
      check(++p != writer.out && (*p == '\\' || *p == '"'), "not JSON", result);
    else
      check(*p != '"', "not JSON", result);
  }
  return result;
}

// ldns leaves tabs as they are, and quotes in names (see write_name()).
std::string as_ldns(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\t') {
      result += "\\009";
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != '"') result += '\\';
      result += text[++i];
    } else {
      result += text[i];
    }
  }
  return result;
}

void name_text(std::span<const uint8_t> msg, size_t off) {
  NameExtent extent;
  const std::unique_ptr<char[]> room(new char[kNameTextRoom]);
  TextWriter writer{.out = room.get()};
  extent = write_name(writer, msg, off);
  const NameExtent measured = measure_name(msg, off);
  check(extent.fault == measured.fault && extent.end == measured.end && extent.wire_len == measured.wire_len,
        "write_name() and measure_name() differ");
  const auto len = static_cast<size_t>(writer.out - room.get());
  check(len <= kMaxNameText && (len != 0) == extent.sound(), "length of a name");
  if (!extent.sound()) return;
  const std::string ours(room.get(), len);
  check(as_ldns(ldns_name_text(msg, off).value_or("refused")) == as_ldns(ours), "name", ours);
}

void rdata_text(std::span<const uint8_t> msg, const Rr& rr) {
  const size_t bound = rdata_text_bound(rr.type, rr.rdata_len);
  const std::unique_ptr<char[]> room(new char[bound]);
  TextWriter writer{.out = room.get()};
  check(write_rdata(writer, bound, rr.type, msg, rr.rdata_off, rr.rdata_len), "write_rdata()");
  const std::string ours(room.get(), writer.out);
  SoundNames known;
  const bool agrees = rdata_agrees(rr.type, msg, rr.rdata_off, rr.rdata_len, known);
  const bool generic = ours.substr(0, 3) == "\\# ";
  check(agrees || generic, "contradicts its type, but has text", ours);
  if (generic) return;
  check(agrees, "has text, but contradicts its type", ours);
  switch (rr.type) {
    case rr_type::kApl:   // ldns does not shorten IPv6
    case rr_type::kNsec:  // ldns does not know all types
    case rr_type::kNsec3:
    case rr_type::kCsync:
    case 24:  // SIG, RRSIG, TKEY: nor the types, and times by the era that is now
    case 46:
    case 249:
    case 23:              // NSAP-PTR: ldns takes the name for a string
    case rr_type::kSvcb:  // ldns does not escape twice, nor quote all that ends a token, and reads past empty
                          // values
    case rr_type::kHttps:
      return;
    default:
      break;
  }
  const auto theirs = ldns_rdata_text(msg, rr.type, rr.rdata_off, rr.rdata_len);
  if (!theirs.has_value()) {
    check(rr.type == 257, "ldns has no text", ours);  // CAA: ldns wants a value
    return;
  }
  if (theirs->substr(0, 3) == "\\# ") return;  // ldns does not know the type
  // inet_ntop() writes ::192.0.2.1, which RFC 5952 does not (section 5: where the prefix says so).
  if (rr.type == rr_type::kAaaa && theirs->find('.') != std::string::npos) return;
  if (as_ldns(ours) != as_ldns(*theirs)) {
    check(false, "RDATA", "TYPE" + std::to_string(rr.type) + "\n" + ours + "\n" + *theirs);
  }
}

void options_text(std::span<const uint8_t> rdata) {
  EdnsCursor cursor(rdata);
  EdnsOption option;
  while (cursor.next(option)) {
    (void)written(54, [&](TextWriter& writer) { (void)write_ecs(writer, option.data); });
    (void)written(2 * 40, [&](TextWriter& writer) { (void)write_cookie(writer, option.data); });
    (void)written(2 * option.data.size() + 1, [&](TextWriter& writer) { write_hex(writer, option.data); });
    ExtendedError error;
    if (read_extended_error(option.data, error)) check(error.text.size() + 2 <= option.data.size(), "EDE");
    Keepalive keepalive;
    (void)read_keepalive(option.data, keepalive);
  }
}

bool has_rare_types(std::span<const uint8_t> wire, const DnsMessage& message) {
  for (size_t section = 0; section < 3 && message.section_off[section] != 0; ++section) {
    RrCursor cursor(wire, message.section_off[section], message.counts[section + 1]);
    Rr rr;
    while (cursor.next(rr)) {
      // One byte of 0xff agrees with no type that we have a renderer for.
      const uint8_t nonsense[] = {0xff};
      SoundNames known;
      if (rr.type != rr_type::kOpt && rdata_agrees(rr.type, nonsense, 0, 1, known)) return true;
    }
  }
  return false;
}

void message(std::span<const uint8_t> wire) {
  DnsMessage out;
  walk_dns_message(wire, out);
  const bool sound = out.malformed == Malformed::none;
  const LdnsVerdict ldns = ldns_read(wire);
  // Types that we leave to ldns or to hex are not looked at by the walk.
  check(!sound || ldns.accepted || has_rare_types(wire, out), "ldns refuses it:", ldns.why);
  if (sound && ldns.accepted) {
    check(ldns.id == out.id && ldns.opcode == out.opcode() && ldns.qtype == out.qtype &&
              ldns.qclass == out.qclass,
          "header or question");
    check((ldns.opts != 0) == out.has_edns, "OPT");
    check(ldns.opts > 1 || (ldns.rcode == out.rcode && ldns.udp_size == out.edns_udp_size &&
                            ldns.edns_version == out.edns_version && ldns.edns_flags == out.edns_flags),
          "EDNS");
  }
  if (out.has_question) {
    name_text(wire, kDnsHeaderLen);
    check(kDnsHeaderLen + out.qname_len + 4U <= wire.size(), "QNAME is not plain");
    const auto qname = wire.subspan(kDnsHeaderLen, out.qname_len);
    check(names_equal(qname, qname) && measure_name(wire, kDnsHeaderLen).wire_len == out.qname_len, "QNAME");
  }
  for (size_t section = 0; section < 3 && out.section_off[section] != 0; ++section) {
    RrCursor cursor(wire, out.section_off[section], out.counts[section + 1]);
    Rr rr;
    while (cursor.next(rr)) {
      name_text(wire, rr.owner_off);
      rdata_text(wire, rr);
    }
    check(!sound || cursor.fault() == Malformed::none, "the cursor finds a fault in a sound message");
    check(
        section == 2 || out.section_off[section + 1] == 0 || cursor.offset() == out.section_off[section + 1],
        "sections do not join");
  }
  if (out.has_edns) options_text(wire.subspan(out.opt_off, out.opt_len));
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A block of its own: ASan sees a byte read behind it.
  const std::unique_ptr<uint8_t[]> wire(new uint8_t[size]);
  if (size != 0) std::memcpy(wire.get(), data, size);
  weir::message({wire.get(), size});
  return 0;
}
