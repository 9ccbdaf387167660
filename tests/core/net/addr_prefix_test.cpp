#include "core/net/addr_prefix.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

bool holds(const char* prefix, const char* addr) { return parse_prefix(prefix)->holds(*parse_addr(addr)); }

TEST(AddrPrefix, HoldsWhatBeginsWithItsBits) {
  EXPECT_TRUE(holds("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(holds("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.6"));
  EXPECT_FALSE(holds("::1", "::2"));
}

// A dual-stack socket's IPv4 peers are IPv4 addresses here, and so must be what is compared with them.
TEST(AddrPrefix, MappedIpv4IsIpv4) {
  EXPECT_TRUE(holds("::ffff:192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("::ffff:192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(holds("::ffff:192.0.2.0/120", "192.0.2.200"));
  EXPECT_FALSE(holds("::ffff:192.0.2.0/120", "192.0.3.0"));
  EXPECT_TRUE(holds("::ffff:0.0.0.0/96", "203.0.113.9"));
  EXPECT_FALSE(holds("::ffff:0.0.0.0/96", "2001:db8::1"));
  EXPECT_FALSE(parse_prefix("::ffff:0.0.0.0/95").ok());
  EXPECT_FALSE(holds("::/80", "192.0.2.7"));
}

TEST(AddrPrefix, RefusesWhatIsNone) {
  for (const char* text : {"", "/", "192.0.2.0/", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2.0/8x",
                           "192.0.2.1/24", "example.com", "192.0.2.0/24/24"})
    EXPECT_FALSE(parse_prefix(text).ok()) << text;
}

TEST(AccessList, DenyGoesFirstAndAnEmptyAllowIsAll) {
  const auto lets_in = [](const std::vector<std::string>& allow, const std::vector<std::string>& deny,
                          const char* addr) {
    return AccessList::parse(allow, deny)->lets_in(*parse_addr(addr));
  };
  EXPECT_TRUE(lets_in({}, {}, "192.0.2.1"));
  EXPECT_FALSE(lets_in({}, {"192.0.2.0/24"}, "192.0.2.1"));
  EXPECT_TRUE(lets_in({}, {"192.0.2.0/24"}, "192.0.3.1"));
  EXPECT_TRUE(lets_in({"192.0.2.0/24", "::1"}, {}, "::1"));
  EXPECT_FALSE(lets_in({"192.0.2.0/24"}, {}, "192.0.3.1"));
  EXPECT_FALSE(lets_in({"192.0.2.0/24"}, {"192.0.2.7"}, "192.0.2.7"));
}

}  // namespace
}  // namespace weir
