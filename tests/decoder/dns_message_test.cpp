#include "decoder/dns_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

// Builds messages from strings with \x escapes; counts are QD AN NS AR.
std::vector<uint8_t> message(std::vector<uint16_t> counts, const std::string& body, uint16_t flags = 0x8180) {
  std::vector<uint8_t> wire = {0x12, 0x34, static_cast<uint8_t>(flags >> 8U), static_cast<uint8_t>(flags)};
  for (uint16_t count : counts) {
    wire.push_back(static_cast<uint8_t>(count >> 8U));
    wire.push_back(static_cast<uint8_t>(count));
  }
  wire.insert(wire.end(), body.begin(), body.end());
  return wire;
}

DnsMessage walk(const std::vector<uint8_t>& wire) {
  DnsMessage out;
  walk_dns_message(wire, out);
  return out;
}

using namespace std::string_literals;

const std::string kQuestion = "\3www\7example\0\0\1\0\1"s;  // 17 bytes, ends at 29
const std::string kAnswer = "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"s;

TEST(DnsMessage, SoundResponse) {
  auto wire = message({1, 1, 0, 1}, kQuestion + kAnswer + "\0\0\x29\4\xd0\x01\0\x80\0\0\5\0\x0a\0\1x"s);
  DnsMessage m = walk(wire);
  EXPECT_EQ(m.malformed, Malformed::none);
  EXPECT_TRUE(m.has_header);
  EXPECT_EQ(m.id, 0x1234);
  EXPECT_TRUE(m.qr());
  EXPECT_EQ(m.counts[0], 1);
  EXPECT_EQ(m.counts[3], 1);
  EXPECT_TRUE(m.has_question);
  EXPECT_EQ(m.qname_len, 13);
  EXPECT_EQ(m.qtype, 1);
  EXPECT_EQ(m.qclass, 1);
  EXPECT_EQ(m.section_off[0], 29U);
  EXPECT_EQ(m.section_off[1], 45U);
  EXPECT_EQ(m.section_off[2], 45U);
  EXPECT_TRUE(m.has_edns);
  EXPECT_EQ(m.edns_udp_size, 1232);
  EXPECT_EQ(m.edns_flags, 0x8000);
  EXPECT_EQ(m.rcode, 16);
  EXPECT_EQ(m.opt_off, 56U);
  EXPECT_EQ(m.opt_len, 5);
}

TEST(DnsMessage, NoQuestionIsSound) {
  DnsMessage m = walk(message({0, 0, 0, 0}, ""));
  EXPECT_EQ(m.malformed, Malformed::none);
  EXPECT_FALSE(m.has_question);
  EXPECT_EQ(m.section_off[2], 12U);
}

TEST(DnsMessage, EveryShorterMessageIsMalformedAndKeepsWhatWasRead) {
  const auto whole =
      message({1, 1, 0, 1}, kQuestion + kAnswer + "\0\0\x29\4\xd0\0\0\0\0\0\5\0\x0a\0\1x"s, 0x8183);
  for (size_t len = 0; len < whole.size(); ++len) {
    DnsMessage m = walk({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(len)});
    const Malformed expected = len < 12   ? Malformed::header_short
                               : len < 29 ? Malformed::question_cut
                                          : Malformed::rr_cut;
    EXPECT_EQ(m.malformed, expected) << len;
    EXPECT_EQ(m.has_question, len >= 29) << len;
    EXPECT_EQ(m.rcode, len >= 12 ? 3 : 0) << len;
  }
}

TEST(DnsMessage, Faults) {
  EXPECT_EQ(walk(message({1, 0, 0, 0}, "\xc0\x0c\0\1\0\1"s)).malformed, Malformed::name_bad) << "to itself";
  EXPECT_EQ(walk(message({1, 0, 0, 0}, "\xc0\x04\0\1\0\1"s)).malformed, Malformed::name_bad)
      << "into the header";
  EXPECT_EQ(walk(message({1, 0, 0, 0}, "\x41x\0\0\1\0\1"s)).malformed, Malformed::name_bad)
      << "label type 01";
  EXPECT_EQ(walk(message({1, 0, 0, 0}, kQuestion + "x")).malformed, Malformed::trailing_bytes);
  EXPECT_EQ(walk(message({0, 0, 0, 1}, "\0\0\x29\4\xd0\0\0\0\0\0\5\0\x0a\0\2x"s)).malformed,
            Malformed::opt_bad);
  EXPECT_EQ(walk(message({0, 0, 0, 1}, "\0\0\x29\4\xd0\0\0\0\0\0\3\0\x0a\0"s)).malformed, Malformed::opt_bad);
}

Malformed walk_rr(const std::string& type_class, const std::string& rdata) {
  const std::string len = {static_cast<char>(rdata.size() >> 8U), static_cast<char>(rdata.size())};
  return walk(message({1, 1, 0, 0}, kQuestion + "\xc0\x0c"s + type_class + "\0\0\0\0"s + len + rdata))
      .malformed;
}

TEST(DnsMessage, RdataThatContradictsItsType) {
  EXPECT_EQ(walk_rr("\0\1\0\1"s, "\1\2\3\4"s), Malformed::none);
  EXPECT_EQ(walk_rr("\0\1\0\1"s, "\1\2\3"s), Malformed::rdata_bad) << "A";
  EXPECT_EQ(walk_rr("\0\x1c\0\1"s, "\1\2\3"s), Malformed::rdata_bad) << "AAAA";
  EXPECT_EQ(walk_rr("\0\5\0\1"s, "\3cdn\xc0\x0c"s), Malformed::none) << "CNAME";
  EXPECT_EQ(walk_rr("\0\5\0\1"s, "\3cdn\xc0\x0cx"s), Malformed::rdata_bad);
  EXPECT_EQ(walk_rr("\0\5\0\1"s, "\xc0\x29"s), Malformed::rdata_bad) << "to itself";
  EXPECT_EQ(walk_rr("\0\x0f\0\1"s, "\0\1"s), Malformed::rdata_bad) << "MX";
  EXPECT_EQ(walk_rr("\0\x10\0\1"s, "\5ab"s), Malformed::rdata_bad) << "TXT";
  EXPECT_EQ(walk_rr("\x12\x67\0\1"s, "\5ab"s), Malformed::none) << "unknown type";
  EXPECT_EQ(walk_rr("\0\1\0\xff"s, ""), Malformed::none) << "class ANY, as in updates";
  EXPECT_EQ(walk_rr("\0\x10\0\3"s, "\5ab"s), Malformed::rdata_bad) << "TXT in class CH";
}

TEST(DnsMessage, BadRdataDoesNotEndTheWalk) {
  const DnsMessage m = walk(
      message({1, 1, 0, 1}, kQuestion + "\xc0\x0c\0\1\0\1\0\0\0\0\0\1x"s + "\0\0\x29\4\xd0\1\0\0\0\0\0"s));
  EXPECT_EQ(m.malformed, Malformed::rdata_bad);
  EXPECT_EQ(m.rcode, 16) << "the OPT behind it was read";
}

TEST(DnsMessage, PointersToATargetThatIsNotSoundAreBad) {
  // The CNAME's target is a label type 01, and the next owner points to it.
  const std::string cname = "\xc0\x0c\0\5\0\1\0\0\0\0\0\2\x41x"s;
  const std::string next = "\xc0\x29\0\1\0\1\0\0\0\0\0\4\1\2\3\4"s;
  const DnsMessage m = walk(message({1, 2, 0, 0}, kQuestion + cname + next));
  EXPECT_EQ(m.malformed, Malformed::rdata_bad) << "the first fault";
  EXPECT_EQ(m.section_off[1], 0U) << "and the walk ended at the second";
}

TEST(DnsMessage, OwnersThatPointIntoTheHeaderAreBad) {
  EXPECT_EQ(walk(message({1, 1, 0, 0}, kQuestion + "\xc0\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"s)).malformed,
            Malformed::name_bad);
}

TEST(DnsMessage, FirstOptCounts) {
  auto opt = [](char size) { return "\0\0\x29\0"s + size + "\0\0\0\0\0\0"s; };
  DnsMessage m = walk(message({0, 0, 0, 2}, opt(1) + opt(2)));
  EXPECT_EQ(m.malformed, Malformed::none);
  EXPECT_EQ(m.edns_udp_size, 1);
  EXPECT_FALSE(walk(message({0, 1, 0, 0}, opt(1))).has_edns) << "not in the additional section";
}

}  // namespace
}  // namespace weir
