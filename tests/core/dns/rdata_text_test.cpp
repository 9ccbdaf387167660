#include "core/dns/rdata_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/dns/wire_reader.h"

namespace weir {
namespace {

using namespace std::string_literals;

// The RDATA at offset 25 of a message that has "\7example\3com" at 12 for pointers. Room is exactly the
// bound, and the message ends with the RDATA, each in a heap block of its own.
std::string text_of(uint16_t type, const std::string& rdata) {
  std::string wire(12, '\0');
  wire += "\7example\3com\0"s;
  wire += {static_cast<char>(rdata.size() >> 8U), static_cast<char>(rdata.size())};
  const auto off = static_cast<uint32_t>(wire.size());
  wire += rdata;
  auto msg = std::make_unique<uint8_t[]>(wire.size());
  std::copy(wire.begin(), wire.end(), msg.get());
  const size_t room = rdata_text_bound(type, rdata.size());
  auto text = std::make_unique<char[]>(room);
  TextWriter writer{.out = text.get()};
  EXPECT_TRUE(
      write_rdata(writer, room, type, {msg.get(), wire.size()}, off, static_cast<uint16_t>(rdata.size())));
  std::string result(text.get(), writer.out);
  EXPECT_EQ(writer.json_special, result.find_first_of("\\\"") != std::string::npos);
  return result;
}
std::string text_of(const char* type, const std::string& rdata) { return text_of(*parse_type(type), rdata); }

TEST(RdataText, CommonTypes) {
  EXPECT_EQ(text_of("A", "\xc0\0\2\1"s), "192.0.2.1");
  EXPECT_EQ(text_of("AAAA", "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s), "2001:db8::1");
  EXPECT_EQ(text_of("CNAME", "\3www\xc0\x0c"s), "www.example.com.");
  EXPECT_EQ(text_of("MX", "\0\xa\0"s), "10 .");
  EXPECT_EQ(text_of("SOA", "\2ns\xc0\x0c\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\xff\xff\xff\xff"s),
            "ns.example.com. example.com. 1 2 3 4 4294967295");
  EXPECT_EQ(text_of("TXT", "\3a b\0\2\"\\"s), "\"a b\" \"\" \"\\\"\\\\\"");
  EXPECT_EQ(text_of("TXT", "\3\t\x7f\xc3"s), "\"\\009\\127\\195\"");
  EXPECT_EQ(text_of("SRV", "\0\1\0\2\1\xbb\xc0\x0c"s), "1 2 443 example.com.");
  EXPECT_EQ(text_of("NAPTR", "\0\1\0\2\1U\7E2U+sip\x0a!^.*$!sip!\0"s),
            "1 2 \"U\" \"E2U+sip\" \"!^.*$!sip!\" .");
}

TEST(RdataText, DnssecTypes) {
  // RFC 4034 section 5.4, shortened.
  EXPECT_EQ(text_of("DS", "\xec\x45\5\1\x2b\xb1\x83\xaf"s), "60485 5 1 2bb183af");
  EXPECT_EQ(text_of("DNSKEY", "\1\1\3\5\1\2\3\4"s), "257 3 5 AQIDBA==");
  // RFC 4034 section 3.3: expiration 20030322173103, inception 20030220173103.
  EXPECT_EQ(text_of("RRSIG", "\0\1\5\3\0\1\x51\x80\x3e\x7c\x9d\xd7\x3e\x55\x10\xd7\x0a\x52\xc0\x0c\1\2\3"s),
            "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQID");
  EXPECT_EQ(text_of("RRSIG", "\0\1\5\3\0\1\x51\x80\xff\xff\xff\xff\0\0\0\0\0\1\0\1"s),
            "A 5 3 86400 21060207062815 19700101000000 1 . AQ==");
  // RFC 4034 section 4.3.
  EXPECT_EQ(text_of("NSEC", "\4host\xc0\x0c\0\6\x40\1\0\0\0\3\4\x1b"s + std::string(26, '\0') + "\x20"s),
            "host.example.com. A MX RRSIG NSEC TYPE1234");
  EXPECT_EQ(text_of("NSEC", "\0"s), ".") << "no types";
  EXPECT_EQ(text_of("NSEC3", "\1\0\0\x0c\4\xaa\xbb\xcc\xdd\5\1\2\3\4\5\0\1\x40"s),
            "1 0 12 aabbccdd 04106105 A");
  EXPECT_EQ(text_of("NSEC3PARAM", "\1\0\0\0\0"s), "1 0 0 -");
  EXPECT_EQ(text_of("CDS", "\0\0\0\0\0"s), "0 0 0 00");
}

TEST(RdataText, OtherTypes) {
  EXPECT_EQ(text_of("CAA", "\x80\5issueletsencrypt.org"s), "128 issue \"letsencrypt.org\"");
  EXPECT_EQ(text_of("CAA", "\0\5issue"s), "0 issue \"\"") << "RFC 8659 section 4.2 allows an empty value";
  EXPECT_EQ(text_of("TLSA", "\3\1\1\xab"s), "3 1 1 ab");
  EXPECT_EQ(text_of("SSHFP", "\1\2\xab\xcd"s), "1 2 abcd");
  EXPECT_EQ(text_of("URI", "\0\1\0\2ftp://x"s), "1 2 \"ftp://x\"");
  EXPECT_EQ(text_of("EUI48", "\0\0\x5e\0\x53\x2a"s), "00-00-5e-00-53-2a");
  EXPECT_EQ(text_of("L64", "\0\1\x20\1\xd\xb8\0\0\0\1"s), "1 2001:0db8:0000:0001");
  EXPECT_EQ(text_of("APL", "\0\1\x18\3\xc0\0\2\0\2\x20\x84\x20\1\xd\xb8"s),
            "1:192.0.2.0/24 !2:2001:db8::/32");
  EXPECT_EQ(text_of("TSIG", "\0\0\0\x5e\x0b\xe1\0\1\x2c\0\3\1\2\3\x12\x34\0\0\0\0"s),
            ". 1577836800 300 3 AQID 4660 0 0");
}

TEST(RdataText, Loc) {
  // RFC 1876 section 3's example for cambridge-net.kei.com: 42 21 54 N 71 06 18 W -24m 30m.
  EXPECT_EQ(text_of("LOC", "\0\x33\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"s),
            "42 21 54.000 N 71 06 18.000 W -24m 30m 10000m 10m");
  EXPECT_EQ(text_of("LOC", "\0\0\x91\x13\x80\0\0\0\x80\0\0\0\0\x98\x96\x7f"s),
            "00 00 0.000 S 00 00 0.000 W -0.01m 0.00m 0.90m 10m");
  EXPECT_EQ(text_of("LOC", "\1\x33\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"s).substr(0, 5),
            "\\# 16")
      << "version 1";
  EXPECT_EQ(text_of("LOC", "\0\xa3\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"s).substr(0, 5),
            "\\# 16")
      << "mantissa 10";
  EXPECT_EQ(text_of("LOC", "\0\x33\x16\x13\xff\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"s).substr(0, 5),
            "\\# 16")
      << "over 90 degrees";
}

TEST(RdataText, Svcb) {
  // RFC 9460 appendix D.
  EXPECT_EQ(text_of("HTTPS", "\0\0\3foo\7example\3com\0"s), "0 foo.example.com.");
  EXPECT_EQ(text_of("SVCB", "\0\1\0"s), "1 .");
  EXPECT_EQ(text_of("SVCB", "\0\x10\3foo\xc0\x0c\0\3\0\2\0\x35"s), "16 foo.example.com. port=53");
  EXPECT_EQ(text_of("SVCB", "\0\1\0\2\x9b\0\5hello"s), "1 . key667=hello");
  EXPECT_EQ(text_of("SVCB", "\0\1\0\2\x9b\0\x09hello\xd2qoo"s), "1 . key667=hello\\210qoo");
  EXPECT_EQ(text_of("SVCB", "\0\1\0\0\6\0\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s),
            "1 . ipv6hint=2001:db8::1");
  EXPECT_EQ(text_of("SVCB", "\0\x10\0\0\0\0\4\0\1\0\4\0\1\0\x09\2h2\5h3-19\0\4\0\4\xc0\0\2\1"s),
            "16 . mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1");
  EXPECT_EQ(text_of("SVCB",
                    "\0\x10\0\0\1\0\x0c\x08"
                    "f\\oo,bar\2h2"s),
            "16 . alpn=f\\\\\\\\oo\\\\,bar,h2");
  EXPECT_EQ(text_of("HTTPS", "\0\1\0\0\1\0\3\2h3\0\2\0\0\0\5\0\3\1\2\3\0\7\0\5/{?x}\0\x08\0\0"s),
            "1 . alpn=h3 no-default-alpn ech=AQID dohpath=/{?x} ohttp");
  EXPECT_EQ(text_of("SVCB", "\0\1\0\2\x9b\0\3a b"s), "1 . key667=\"a b\"");
  EXPECT_EQ(text_of("SVCB", "\0\1\0\2\x9b\0\0"s), "1 . key667");
}

TEST(RdataText, SvcbThatContradictsItself) {
  for (const std::string& params : {
           "\0\3\0\2\0\x35\0\3\0\2\0\x35"s,  // a key twice
           "\0\3\0\2\0\x35\0\1\0\3\2h2"s,    // keys that fall
           "\0\3\0\1\0"s,                    // a port of one byte
           "\0\1\0\0"s,                      // no ALPN
           "\0\1\0\1\0"s,                    // an ALPN of no bytes
           "\0\1\0\2\2h"s,                   // an ALPN that is cut
           "\0\2\0\1x"s,                     // no-default-alpn with a value
           "\0\4\0\3\1\2\3"s,                // an address of three bytes
           "\0\0\0\2\0\0"s,                  // mandatory names itself
           "\0\0\0\3\0\1\0"s,                // half a key
           "\0\3\0\3\0\x35"s,                // cut
           "\0\3\0"s,
       }) {
    const std::string text = text_of("SVCB", "\0\1\0"s + params);
    EXPECT_EQ(text.substr(0, 3), "\\# ") << text;
  }
  EXPECT_EQ(text_of("SVCB", "\0\1\3www"s), "\\# 6 000103777777") << "a target past the end";
}

TEST(RdataText, GenericForUnknownTypesAndContradictions) {
  EXPECT_EQ(text_of(4711, "\1\2\xff"s), "\\# 3 0102ff");
  EXPECT_EQ(text_of(4711, ""), "\\# 0");
  EXPECT_EQ(text_of("A", "\1\2\3"s), "\\# 3 010203");
  EXPECT_EQ(text_of("A", "\1\2\3\4\5"s), "\\# 5 0102030405");
  EXPECT_EQ(text_of("CNAME", "\0\0"s), "\\# 2 0000") << "bytes behind the name";
  EXPECT_EQ(text_of("CNAME", "\3www"s), "\\# 4 03777777");
  EXPECT_EQ(text_of("MX", "\0\1"s), "\\# 2 0001");
  EXPECT_EQ(text_of("TXT", ""), "\\# 0");
  EXPECT_EQ(text_of("TXT", "\5ab"s), "\\# 3 056162");
  EXPECT_EQ(text_of("DS", "\0\1\1\1"s), "\\# 4 00010101") << "no digest";
  EXPECT_EQ(text_of("URI", "\0\1\0\2"s), "\\# 4 00010002") << "no target";
  EXPECT_EQ(text_of("CAA", "\0\1-x"s), "\\# 4 00012d78") << "RFC 8659 section 4.1: letters and digits";
  EXPECT_EQ(text_of("NSEC", "\0\0\1\x40\0\1\x40"s), "\\# 7 00000140000140") << "a window twice";
  EXPECT_EQ(text_of("NSEC", "\0\0\0"s), "\\# 3 000000") << "a window of no bytes";
  EXPECT_EQ(text_of("NSEC", "\0\0\2\x40"s), "\\# 4 00000240");
  EXPECT_EQ(text_of("OPT", "\0\3\0\0"s), "\\# 4 00030000");
}

TEST(RdataText, TypesLeftToLdns) {
  EXPECT_EQ(text_of("CERT", "\0\1\0\2\5\1\2\3"s), "PKIX 2 5 AQID");
  EXPECT_EQ(text_of("IPSECKEY", "\x0a\1\2\xc0\0\2\1\1\2\3"s), "10 1 2 192.0.2.1 AQID");
  EXPECT_EQ(text_of("IPSECKEY", "\x0a\4\2\xc0\0\2\1\1\2\3"s), "\\# 10 0a0402c0000201010203")
      << "gateway type 4";
  EXPECT_EQ(text_of("HIP", "\2\2\0\3\xab\xcd\1\2\3"s), "2 abcd AQID");
  EXPECT_EQ(text_of("NSAP", "\x47\0"s), "0x4700");
  EXPECT_EQ(text_of("CERT", "\0"s), "\\# 1 00");
  EXPECT_EQ(text_of("CERT", std::string(4097, '\1')).substr(0, 7), "\\# 4097") << "more than ldns is given";
}

TEST(RdataText, KeepsToItsRoom) {
  const std::vector<uint8_t> msg(16, 0);
  char room[rdata_text_bound(rr_type::kA, 4)];
  TextWriter writer{.out = room};
  EXPECT_FALSE(write_rdata(writer, sizeof room - 1, rr_type::kA, msg, 12, 4));
  EXPECT_FALSE(write_rdata(writer, sizeof room, rr_type::kA, msg, 13, 4)) << "RDATA past the end";
  EXPECT_EQ(writer.out, room);
  EXPECT_TRUE(write_rdata(writer, sizeof room, rr_type::kA, msg, 12, 4));
}

TEST(RdataText, WorstCasesStayWithinTheBound) {
  // text_of() gives exactly the bound: ASan sees a byte more.
  EXPECT_EQ(text_of("TXT",
                    [] {
                      std::string rdata;
                      for (int i = 0; i < 255; ++i) rdata += "\xff" + std::string(255, '\xff');
                      return rdata;
                    }())
                .size(),
            255U * (4 * 255 + 2) + 254);
  EXPECT_EQ(text_of("TXT", std::string(65535, '\0')).size(), 65535U * 3 - 1);
  std::string all_types = "\0"s;
  for (int window = 0; window < 256; ++window)
    all_types += static_cast<char>(window) + "\x20"s + std::string(32, '\xff');
  EXPECT_GT(text_of("NSEC", all_types).size(), 600'000U);
  EXPECT_GT(text_of("CSYNC", "\0\0\0\0\0"s + all_types).size(), 600'000U);
  const std::string name = "\x3f" + std::string(63, '\xff') + "\x3f" + std::string(63, '\xff') + "\x3f" +
                           std::string(63, '\xff') + "\x3d" + std::string(61, '\xff') + "\0"s;
  EXPECT_EQ(text_of("RP", name + name).size(), 2 * 1004U + 1);
  EXPECT_EQ(text_of(4711, std::string(65535, 'x')).size(), 65535U * 2 + 9);
  EXPECT_GT(text_of(
                "SVCB", "\0\1\0\0\1\xff\xf0"s +
                            [] {
                              std::string ids;
                              for (int i = 0; i < 0xfff0 / 240; ++i) ids += "\xef" + std::string(239, '\\');
                              return ids;
                            }())
                .size(),
            65000U * 3);
}

}  // namespace
}  // namespace weir
