#include "core/dns/edns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;

std::span<const uint8_t> bytes(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

std::string ecs(const std::string& data) {
  char room[64];
  TextWriter writer{.out = room};
  if (!write_ecs(writer, bytes(data))) {
    EXPECT_EQ(writer.out, room);
    return "refused";
  }
  return {room, writer.out};
}

TEST(Edns, WalksOptions) {
  const std::string rdata = "\0\3\0\2ns\0\x0c\0\0"s;
  EdnsCursor cursor(bytes(rdata));
  EdnsOption option;
  ASSERT_TRUE(cursor.next(option));
  EXPECT_EQ(option.code, edns_option::kNsid);
  EXPECT_EQ(option.data.size(), 2U);
  ASSERT_TRUE(cursor.next(option));
  EXPECT_EQ(option.code, edns_option::kPadding);
  EXPECT_TRUE(option.data.empty());
  EXPECT_FALSE(cursor.next(option));
  EXPECT_TRUE(cursor.sound());
}

TEST(Edns, StopsAtAnOptionThatRunsPastTheEnd) {
  for (const std::string& rdata : {"\0\3\0\3ns"s, "\0\3\0"s}) {
    EdnsCursor cursor(bytes(rdata));
    EdnsOption option;
    EXPECT_FALSE(cursor.next(option));
    EXPECT_FALSE(cursor.sound());
  }
}

TEST(Edns, ClientSubnet) {
  EXPECT_EQ(ecs("\0\1\x18\0\xc0\0\2"s), "192.0.2.0/24/0");
  EXPECT_EQ(ecs("\0\1\x20\x18\xc0\0\2\1"s), "192.0.2.1/32/24");
  EXPECT_EQ(ecs("\0\1\0\0"s), "0.0.0.0/0/0");
  EXPECT_EQ(ecs("\0\2\x31\x80\x20\1\xd\xb8\0\0\x80"s), "2001:db8:0:8000::/49/128");
  EXPECT_EQ(ecs("\0\2\0\0"s), "::/0/0");
  EXPECT_EQ(ecs(""), "refused");
  EXPECT_EQ(ecs("\0\1\x18"s), "refused");
  EXPECT_EQ(ecs("\0\0\0\0"s), "refused") << "family 0";
  EXPECT_EQ(ecs("\0\x63\xff\0"s), "refused") << "family 99";
  EXPECT_EQ(ecs("\0\1\x21\0\xc0\0\2\1\0"s), "refused") << "33 bits of IPv4";
  EXPECT_EQ(ecs("\0\1\x18\0\xc0\0\2\1"s), "refused") << "more bytes than the prefix needs";
  EXPECT_EQ(ecs("\0\1\x18\0\xc0\0"s), "refused") << "fewer";
}

TEST(Edns, Cookie) {
  char room[80];
  for (size_t len = 0; len < 50; ++len) {
    TextWriter writer{.out = room};
    const std::vector<uint8_t> data(len, 0xab);
    EXPECT_EQ(write_cookie(writer, data), len == 8 || (len >= 16 && len <= 40)) << len;
  }
}

TEST(Edns, ExtendedError) {
  ExtendedError error;
  ASSERT_TRUE(read_extended_error(bytes("\0\x0fno\0"s), error));
  EXPECT_EQ(error.code, 15);
  EXPECT_EQ(error.text.size(), 2U);
  EXPECT_EQ(extended_error_name(15), "Blocked");
  EXPECT_EQ(extended_error_name(0), "Other Error");
  EXPECT_EQ(extended_error_name(30), "Invalid Query Type");
  EXPECT_EQ(extended_error_name(31), "");
  EXPECT_FALSE(read_extended_error(bytes("\0"s), error));
}

TEST(Edns, Keepalive) {
  Keepalive keepalive;
  ASSERT_TRUE(read_keepalive({}, keepalive));
  EXPECT_FALSE(keepalive.has_timeout);
  ASSERT_TRUE(read_keepalive(bytes("\1\0"s), keepalive));
  EXPECT_TRUE(keepalive.has_timeout);
  EXPECT_EQ(keepalive.timeout, 256);
  EXPECT_FALSE(read_keepalive(bytes("\1"s), keepalive));
}

}  // namespace
}  // namespace weir
