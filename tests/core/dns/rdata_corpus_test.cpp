// Our text of every RR in tests/data and the corpus against ldns's. Where they differ, ours is right for one
// of the reasons in same_but_for().
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "core/dns/name.h"
#include "core/dns/rdata_text.h"
#include "core/dns/rr_cursor.h"
#include "tests/dns_payloads.h"
#include "tests/ldns_oracle.h"

namespace weir {
namespace {

std::string our_text(const std::vector<uint8_t>& wire, const Rr& rr) {
  std::vector<char> room(rdata_text_bound(rr.type, rr.rdata_len));
  TextWriter writer{.out = room.data()};
  EXPECT_TRUE(write_rdata(writer, room.size(), rr.type, wire, rr.rdata_off, rr.rdata_len));
  return {room.data(), writer.out};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

bool same_but_for(const std::string& ours, const std::string& theirs, uint16_t type) {
  // RFC 3597 section 5: "\# 0". ldns writes nothing for a type that it does not know.
  if (ours == "\\# 0" && theirs.empty()) return true;
  // ldns leaves a tab in a quoted string as it is: right in a zone, but not in a log.
  if (ours == replaced(theirs, "\t", "\\009")) return true;
  // ldns writes an IPv6 address of an APL with all its zeros.
  if (type == rr_type::kApl &&
      replaced(ours, "2001:2::/48", "2001:0002:0000:0000:0000:0000:0000:0000/48") == theirs) {
    return true;
  }
  // RFC 9460 section 2.2: keys must rise. ldns does not look.
  return type == rr_type::kSvcb && ours == "\\# 16 0001000003000201bb00010003026832" &&
         theirs == "1 . port=443 alpn=h2";
}

// Calls take(payload, rr) for every RR that can be reached.
template <class Take>
void for_rrs(Take take) {
  for (const DnsPayload& payload : all_dns_payloads()) {
    const auto& wire = payload.wire;
    if (wire.size() < kDnsHeaderLen) continue;
    uint32_t off = kDnsHeaderLen;
    bool sound = true;
    for (unsigned left = load_be16(&wire[4]); left != 0 && sound; --left) {
      const NameExtent name = measure_name(wire, off);
      sound = name.sound() && wire.size() - name.end >= 4;
      off = name.end + 4;
    }
    RrCursor cursor(wire, off, 0);
    for (unsigned section = 0; section < 3 && sound; ++section) {
      cursor.next_section(load_be16(&wire[6 + 2 * section]));
      Rr rr;
      while (cursor.next(rr)) take(payload, rr);
      sound = cursor.fault() == Malformed::none;
    }
  }
}

TEST(RdataCorpus, TextEqualsLdns) {
  std::set<uint16_t> types;
  size_t rrs = 0;
  for_rrs([&](const DnsPayload& payload, const Rr& rr) {
    if (rr.type == rr_type::kOpt) return;  // options are no text
    // ldns allocates RDLENGTH bytes for each string: 3.6 GB for this one.
    if (payload.file == "malformed/dns/txt-empty-strings.fstrm" ||
        payload.file == "dns/txt-empty-strings.fstrm")
      return;
    const std::string ours = our_text(payload.wire, rr);
    const auto theirs = ldns_rdata_text(payload.wire, rr.type, rr.rdata_off, rr.rdata_len);
    if (theirs.has_value()) {
      if (ours != *theirs) {
        EXPECT_TRUE(same_but_for(ours, *theirs, rr.type))
            << payload.file << " TYPE" << rr.type << "\nours   " << ours << "\ntheirs " << *theirs;
      }
      types.insert(rr.type);
      ++rrs;
    } else {
      EXPECT_EQ(ours.substr(0, 3), "\\# ") << payload.file << " TYPE" << rr.type << ": ldns refuses it";
    }
  });
  EXPECT_GT(rrs, 2000U);
  EXPECT_GT(types.size(), 20U);
  std::printf("%zu RRs of %zu types\n", rrs, types.size());
}

TEST(RdataCorpus, OwnersEqualLdns) {
  for_rrs([&](const DnsPayload& payload, const Rr& rr) {
    char room[kNameTextRoom];
    TextWriter writer{.out = room};
    ASSERT_TRUE(write_name(writer, payload.wire, rr.owner_off).sound());
    const std::string ours(room, writer.out);
    // A quote starts a string in a zone, so we escape it.
    const std::string theirs =
        replaced(ldns_name_text(payload.wire, rr.owner_off).value_or("refused"), "\"", "\\\"");
    EXPECT_EQ(ours, theirs) << payload.file;
    EXPECT_EQ(writer.json_special, ours.find('\\') != std::string::npos);
  });
}

}  // namespace
}  // namespace weir
