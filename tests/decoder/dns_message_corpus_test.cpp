// Our walk over every DNS message in tests/data and the corpus against ldns reading it.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/dns/name.h"
#include "decoder/dns_message.h"
#include "tests/dns_payloads.h"
#include "tests/ldns_oracle.h"

namespace weir {
namespace {

// What ldns accepts and we call malformed. There is nothing the other way round.
const std::map<std::string, Malformed>& stricter_than_ldns() {
  static const std::map<std::string, Malformed> files = {
      // ldns does not look behind the last RR.
      {"dns/ancount-0-with-answer.fstrm", Malformed::trailing_bytes},
      {"dns/name-255-by-pointers.fstrm", Malformed::trailing_bytes},
      // ldns takes the fields that are there and does not count them.
      {"dns/rdata-empty-a.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-aaaa.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-caa.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-ds.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-loc.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-mx.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-nsec3.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-rrsig.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-soa.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-srv.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-svcb.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-tsig.fstrm", Malformed::rdata_bad},
      {"dns/rdata-empty-txt.fstrm", Malformed::rdata_bad},
      {"dns/rdata-short-caa.fstrm", Malformed::rdata_bad},
      {"dns/rdata-short-nsec3.fstrm", Malformed::rdata_bad},
      // ldns keeps LOC and APL as bytes and refuses them when it prints them.
      {"dns/rdata-apl-overrun.fstrm", Malformed::rdata_bad},
      // ldns reads the name on past RDLENGTH, and the next RR from there.
      {"dns/rdata-name-past-rdlength.fstrm", Malformed::rdata_bad},
      {"pcap/real-bytes-changed-3.pcap", Malformed::rdata_bad},
      // RFC 9460 section 2.2: keys must rise. ldns does not look.
      {"dns/rdata-svcb-unsorted.fstrm", Malformed::rdata_bad},
      // ldns keeps options as bytes.
      {"pcap/dns-opt-option-cut.pcap", Malformed::opt_bad},
      {"pcap/dns-opt-option-overrun.pcap", Malformed::opt_bad},
  };
  return files;
}

bool listed(const std::string& file, Malformed malformed) {
  const std::string prefix = "malformed/";
  if (file.compare(0, prefix.size(), prefix) != 0) return false;
  const auto found = stricter_than_ldns().find(file.substr(prefix.size()));
  return found != stricter_than_ldns().end() && found->second == malformed;
}

std::string qname_of(const std::vector<uint8_t>& wire) {
  char room[kNameTextRoom];
  TextWriter writer{.out = room};
  EXPECT_TRUE(write_name(writer, wire, kDnsHeaderLen).sound());
  std::string text(room, writer.out);
  for (size_t at = 0; (at = text.find("\\\"", at)) != std::string::npos;)
    text.erase(at, 1);  // see write_name()
  return text;
}

TEST(DnsMessageCorpus, SameAsLdns) {
  size_t sound = 0;
  size_t malformed = 0;
  for (const DnsPayload& payload : all_dns_payloads()) {
    // ldns allocates RDLENGTH bytes for each of its 60,000 strings: 3.6 GB.
    if (payload.file.find("txt-empty-strings") != std::string::npos) continue;
    DnsMessage message;
    walk_dns_message(payload.wire, message);
    const LdnsVerdict ldns = ldns_read(payload.wire);
    if (message.malformed != Malformed::none) {
      ++malformed;
      EXPECT_TRUE(!ldns.accepted || listed(payload.file, message.malformed))
          << payload.file << ": " << to_string(message.malformed) << ", but ldns accepts it";
      continue;
    }
    ++sound;
    ASSERT_TRUE(ldns.accepted) << payload.file << ": " << ldns.why;
    EXPECT_EQ(message.id, ldns.id);
    EXPECT_EQ(message.opcode(), ldns.opcode);
    EXPECT_EQ(message.has_question, !ldns.qname.empty());
    if (message.has_question) {
      EXPECT_EQ(qname_of(payload.wire), ldns.qname);
      EXPECT_EQ(message.qtype, ldns.qtype);
      EXPECT_EQ(message.qclass, ldns.qclass);
    }
    EXPECT_EQ(message.has_edns, ldns.opts != 0);
    if (ldns.opts > 1) continue;  // ldns keeps the last OPT, we the first
    EXPECT_EQ(message.rcode, ldns.rcode);
    EXPECT_EQ(message.edns_udp_size, ldns.udp_size);
    EXPECT_EQ(message.edns_version, ldns.edns_version);
    EXPECT_EQ(message.edns_flags, ldns.edns_flags);
  }
  EXPECT_GT(sound, 2000U);
  EXPECT_GT(malformed, 40U);
  std::printf("%zu sound, %zu malformed\n", sound, malformed);
}

}  // namespace
}  // namespace weir
