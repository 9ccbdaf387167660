#include "core/addr.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

TEST(Addr, TextEqualsInetNtopForRandomAddresses) {
  std::mt19937 random(1);
  for (int i = 0; i < 200'000; ++i) {
    uint8_t wire[16];
    for (int j = 0; j < 16; j += 2) {
      // Zero groups often, so that runs of every place and length come up.
      unsigned group = random() % 3 == 0 ? random() & 0xffffU : random() % 2;
      wire[j] = static_cast<uint8_t>(group >> 8U);
      wire[j + 1] = static_cast<uint8_t>(group);
    }
    if (wire[10] == 0 && wire[11] == 0) wire[10] = 1;  // inet_ntop also knows the deprecated ::192.0.2.1
    char expected[64];
    inet_ntop(AF_INET6, wire, expected, sizeof expected);
    ASSERT_EQ(to_string(IpAddr::v6(wire)), expected);
    inet_ntop(AF_INET, wire, expected, sizeof expected);
    ASSERT_EQ(to_string(IpAddr::v4(wire)), expected);
  }
}

TEST(Addr, V4MappedIsDotted) {
  EXPECT_EQ(to_string(*parse_addr("::ffff:192.0.2.1")), "::ffff:192.0.2.1");
  EXPECT_EQ(to_string(*parse_addr("::")), "::");
  EXPECT_EQ(to_string(*parse_addr("::1")), "::1");
  EXPECT_EQ(to_string(IpAddr{}), "");
}

TEST(Addr, OnlyFourAndSixteenBytesArePresent) {
  const uint8_t wire[17] = {};
  EXPECT_FALSE(IpAddr::from_wire({wire, 0}).present());
  EXPECT_FALSE(IpAddr::from_wire({wire, 17}).present());
  EXPECT_EQ(IpAddr::from_wire({wire, 4}).len, 4);
  EXPECT_EQ(IpAddr::from_wire({wire, 16}).len, 16);
}

TEST(Target, ReadsWhatItWrites) {
  for (const char* text : {"tcp://127.0.0.1:6000", "tcp://[::1]:6000", "udp://statsd.example:8125",
                           "unix:///run/a.sock", "file:///var/log/a", "-", "null:"}) {
    auto target = parse_target(text);
    ASSERT_TRUE(target.ok()) << target.error().message;
    EXPECT_EQ(to_string(*target), text);
  }
  EXPECT_EQ(parse_target("dns.jsonl")->path, "dns.jsonl");
}

TEST(Target, RefusesWhatItCannotRead) {
  for (const char* text : {"", "tcp://", "tcp://host", "tcp://:1", "tcp://a:b", "tcp://1:65536",
                           "tcp://::1:5", "http://a", "unix://"})
    EXPECT_FALSE(parse_target(text).ok()) << text;
}

}  // namespace
}  // namespace weir
