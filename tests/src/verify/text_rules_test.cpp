#include "src/verify/text_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/dns/edns.h"
#include "core/dns/types.h"

namespace weir {
namespace {

using Texts = std::vector<std::string>;

void expect_form(bool (*form)(std::string_view) noexcept, const Texts& good, const Texts& bad) {
  for (const std::string& text : good) EXPECT_TRUE(form(text)) << text;
  for (const std::string& text : bad) EXPECT_FALSE(form(text)) << text;
}

TEST(TextRules, Time) {
  expect_form(
      is_time,
      {"1970-01-01T00:00:00.000000000Z", "2024-02-29T23:59:59.999999999Z", "2554-07-21T23:34:33.709551615Z"},
      {"", "2026-99-99T99:99:99.123456789Z", "2026-00-01T00:00:00.000000000Z",
       "2026-01-00T00:00:00.000000000Z", "2025-02-29T00:00:00.000000000Z", "2026-04-31T00:00:00.000000000Z",
       "2026-01-01T24:00:00.000000000Z", "2026-01-01T00:60:00.000000000Z", "2026-01-01T00:00:60.000000000Z",
       "2026-01-01 00:00:00.000000000Z", "2026-01-01T00:00:00.00000000Z", "2026-01-01T00:00:00.0000000000Z",
       "2026-01-01T00:00:00.00000000:Z", "2026-01-01T00:00:00.00000000/Z", "2026-01-01T00:00:00.000000000z"});
}

TEST(TextRules, Address) {
  expect_form(is_address,
              {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1",
               "2001:db8:1:2:3:4:5:6"},
              {"", "hello", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "192.0.2.1/32", "1::2::3",
               "2001:DB8::1", "2001:0db8::1", "0:0:0:0:0:0:0:1", "fe80::1%eth0", "[::1]",
               std::string("192.0.2.1\0", 10), std::string(100, ':')});
}

TEST(TextRules, Peer) {
  expect_form(is_peer, {"192.0.2.1", "192.0.2.1:6000", "[2001:db8::1]", "[2001:db8::1]:65535"},
              {"", "hello", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:06", "192.0.2.1:+6", "2001:db8::1",
               "[192.0.2.1]:53", "[2001:db8::1", "[2001:db8::1]53", "[]:53"});
}

TEST(TextRules, Name) {
  expect_form(is_name, {".", "example.", "a.b.", R"(a\\.)", R"(\..)", R"(\\\\.)"},
              {"", "example", R"(\.)", R"(example\.)", R"(a\\\.)", ". "});
}

TEST(TextRules, NumbersWithNames) {
  char room[kNameOfNumberRoom];
  const auto written = [&room](char* end) { return std::string(room, end); };
  for (unsigned i = 0; i <= UINT16_MAX; i += i < 300 ? 1 : 97) {
    const auto number = static_cast<uint16_t>(i);
    ASSERT_TRUE(is_rr_type(written(write_type(room, number)))) << i;
    ASSERT_TRUE(is_class(written(write_class(room, number)))) << i;
    ASSERT_EQ(is_rcode(written(write_rcode(room, number))), i < 4096) << i;
  }
  for (uint8_t i = 0; i < 16; ++i) EXPECT_TRUE(is_opcode(written(write_opcode(room, i)))) << unsigned{i};
  expect_form(is_rr_type, {"NSEC3PARAM"}, {"", "a", "TYPE", "TYPE1", "TYPE04711", "TYPE65536", "NONSENSE"});
  expect_form(is_class, {"IN"}, {"", "in", "CLASS1", "CLASS65536"});
  expect_form(is_rcode, {"RCODE4095"}, {"", "BADSIG", "RCODE0", "noerror"});
  expect_form(is_opcode, {"OPCODE15"}, {"", "OPCODE0", "OPCODE16", "query"});
}

TEST(TextRules, Edns) {
  expect_form(is_ecs, {"192.0.2.0/24/0", "0.0.0.0/0/0", "2001:db8::/56/128"},
              {"", "192.0.2.0", "192.0.2.0/24", "192.0.2.0/33/0", "192.0.2.0/24/33", "192.0.2.0/24/",
               "192.0.2.0/24/0/0", "2001:db8::/129/0", "hello/1/1", "/0/0"});
  expect_form(is_cookie, {std::string(16, 'a'), std::string(32, '0'), std::string(80, 'f')},
              {"", std::string(14, 'a'), std::string(18, 'a'), std::string(17, 'a'), std::string(82, 'a'),
               std::string(16, 'A')});
  expect_form(is_hex, {"", "00", "09af"}, {"0", "0g", "0A"});
  for (uint16_t code = 0; !extended_error_name(code).empty(); ++code)
    EXPECT_TRUE(is_extended_error(extended_error_name(code))) << code;
  expect_form(is_extended_error, {}, {"", "Lost", "blocked"});
}

}  // namespace
}  // namespace weir
