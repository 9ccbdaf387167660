#include "core/dns/text_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;

std::span<const uint8_t> bytes(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

template <class Write>
std::string text(Write write) {
  char room[256];
  TextWriter writer{.out = room};
  write(writer);
  std::string result(room, writer.out);
  EXPECT_EQ(writer.json_special, result.find_first_of("\\\"") != std::string::npos) << result;
  return result;
}

TEST(TextWriter, Numbers) {
  for (uint32_t value : {0U, 9U, 10U, 99U, 100U, 101U, 12345U, 999999U, 1000000U, 4294967295U}) {
    EXPECT_EQ(text([&](TextWriter& w) { write_decimal(w, value); }), std::to_string(value));
  }
  for (unsigned value = 0; value < 256; ++value) {
    EXPECT_EQ(text([&](TextWriter& w) { write_decimal_u8(w, static_cast<uint8_t>(value)); }),
              std::to_string(value));
  }
}

TEST(TextWriter, Encodings) {
  // RFC 4648 section 10.
  const char* plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
  const char* base64[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  const char* base32hex[] = {"", "co", "cpng", "cpnmu", "cpnmuog", "cpnmuoj1", "cpnmuoj1e8"};
  for (size_t i = 0; i < std::size(plain); ++i) {
    EXPECT_EQ(text([&](TextWriter& w) { write_base64(w, bytes(plain[i])); }), base64[i]);
    EXPECT_EQ(text([&](TextWriter& w) { write_base32hex(w, bytes(plain[i])); }), base32hex[i]);
  }
  EXPECT_EQ(text([](TextWriter& w) { write_hex(w, bytes("\0\x9a\xff"s)); }), "009aff");
}

TEST(TextWriter, Quoted) {
  EXPECT_EQ(text([](TextWriter& w) { write_quoted(w, bytes("a b;\"\\\n\xc3\xa9"s)); }),
            R"("a b;\"\\\010\195\169")");
}

TEST(TextWriter, EscapesForJsonInPlace) {
  const auto escaped = [](const std::string& s) {
    std::vector<char> room(2 * s.size() + 1, '#');
    TextWriter writer{.out = room.data()};
    writer.put(s);
    writer.json_special = true;
    escape_json(writer, room.data());
    EXPECT_FALSE(writer.json_special);
    EXPECT_EQ(room.back(), '#');
    return std::string(room.data(), writer.out);
  };
  EXPECT_EQ(escaped(R"(a\.b."c")"), R"(a\\.b.\"c\")");
  EXPECT_EQ(escaped(R"(\\)"), R"(\\\\)");
  EXPECT_EQ(escaped("plain"), "plain");
  EXPECT_EQ(escaped(""), "");
}

TEST(TextWriter, LeavesTextThatNeedsNoEscapes) {
  char room[] = "\\x";
  TextWriter writer{.out = room + 1};
  escape_json(writer, room);
  EXPECT_EQ(writer.out, room + 1) << "json_special was not set";
}

}  // namespace
}  // namespace weir
