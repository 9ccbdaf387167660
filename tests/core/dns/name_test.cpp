#include "core/dns/name.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace weir {
namespace {

using namespace std::string_literals;

// Twelve bytes of header, so that offsets are those of messages; the wire ends where its heap block ends.
struct Wire {
  explicit Wire(const std::string& body) : size(kDnsHeaderLen + body.size()), bytes(new uint8_t[size]()) {
    std::copy(body.begin(), body.end(), bytes.get() + kDnsHeaderLen);
  }
  [[nodiscard]] std::span<const uint8_t> span() const { return {bytes.get(), size}; }
  size_t size;
  std::unique_ptr<uint8_t[]> bytes;
};

struct Text {
  NameExtent extent;
  std::string text;
  bool json_special = false;
};

Text text_of(std::span<const uint8_t> msg, size_t off) {
  auto room = std::make_unique<char[]>(kNameTextRoom);
  TextWriter writer{.out = room.get()};
  Text result{.extent = write_name(writer, msg, off), .text = {}, .json_special = writer.json_special};
  result.text.assign(room.get(), writer.out);
  const NameExtent measured = measure_name(msg, off);
  EXPECT_EQ(result.extent.fault, measured.fault);
  if (measured.sound()) {
    EXPECT_EQ(result.extent.end, measured.end);
    EXPECT_EQ(result.extent.wire_len, measured.wire_len);
  } else {
    EXPECT_EQ(result.text, "") << "nothing is written for a bad name";
  }
  return result;
}

std::string text_of(const std::string& body, size_t off = kDnsHeaderLen) {
  return text_of(Wire(body).span(), off).text;
}
NameFault fault_of(const std::string& body, size_t off = kDnsHeaderLen) {
  return text_of(Wire(body).span(), off).extent.fault;
}

std::string label(size_t len, char c = 'a') { return static_cast<char>(len) + std::string(len, c); }

TEST(Name, Text) {
  EXPECT_EQ(text_of("\0"s), ".");
  EXPECT_EQ(text_of("\3wWw\7eXample\3COM\0"s), "wWw.eXample.COM.") << "case stays";
  EXPECT_EQ(text_of("\1a\0"s), "a.");
  EXPECT_EQ(text_of("\6a.;()\\\0"s), "a\\.\\;\\(\\)\\\\.");
  EXPECT_EQ(text_of("\6\"@$*_-\0"s), "\\\"@$*_-.");
  EXPECT_EQ(text_of("\4 \0\x7f\xff\0"s), "\\032\\000\\127\\255.");
}

TEST(Name, EscapesAnywhereInLongLabels) {
  // Every byte value at every place of labels around the 16 bytes that are looked at at once.
  for (size_t len : {1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63}) {
    for (size_t at = 0; at < len; ++at) {
      for (unsigned c = 0; c < 256; ++c) {
        std::string wire = label(len) + "\7example\0padding and padding"s;
        wire[1 + at] = static_cast<char>(c);
        const bool backslash = c == '.' || c == ';' || c == '(' || c == ')' || c == '\\' || c == '"';
        char decimal[8];
        std::snprintf(decimal, sizeof decimal, "\\%03u", c);
        const std::string shown = backslash             ? std::string("\\") + static_cast<char>(c)
                                  : c <= 32 || c >= 127 ? decimal
                                                        : std::string(1, static_cast<char>(c));
        const std::string expected =
            std::string(at, 'a') + shown + std::string(len - at - 1, 'a') + ".example.";
        ASSERT_EQ(text_of(wire), expected) << len << " " << at << " " << c;
      }
    }
  }
}

TEST(Name, LongNames) {
  const std::string longest = label(63) + label(63) + label(63) + label(61) + "\0"s;
  ASSERT_EQ(longest.size(), kMaxNameWire);
  EXPECT_EQ(text_of(longest).size(), 254U);
  const std::string worst =
      label(63, '\xff') + label(63, '\xff') + label(63, '\xff') + label(61, '\xff') + "\0"s;
  EXPECT_EQ(text_of(worst).size(), kMaxNameText);
  EXPECT_EQ(fault_of(label(63) + label(63) + label(63) + label(62) + "\0"s), NameFault::bad) << "256 bytes";
  std::string reverse;
  for (int i = 0; i < 127; ++i) reverse += "\1f";
  EXPECT_EQ(text_of(reverse + "\0"s).size(), 254U) << "127 labels";
  EXPECT_EQ(fault_of(reverse + "\1f\0"s), NameFault::bad);
}

TEST(Name, Pointers) {
  const std::string body = "\7example\3com\0\3www\xc0\x0c\xc0\x19"s;
  EXPECT_EQ(text_of(body, 25), "www.example.com.");
  EXPECT_EQ(text_of(body, 31), "www.example.com.");
  const NameExtent extent = measure_name(Wire(body).span(), 31);
  EXPECT_EQ(extent.end, 33U);
  EXPECT_EQ(extent.wire_len, 17);
  // A name of 255 bytes by pointers, and of 256.
  const std::string long_tail = label(63) + label(63) + label(63) + "\0"s;
  EXPECT_EQ(fault_of(long_tail + label(61) + "\xc0\x0c"s, 12 + long_tail.size()), NameFault::none);
  EXPECT_EQ(fault_of(long_tail + label(62) + "\xc0\x0c"s, 12 + long_tail.size()), NameFault::bad);
}

TEST(Name, Faults) {
  EXPECT_EQ(fault_of("\xc0\x0c"s), NameFault::bad) << "to itself";
  EXPECT_EQ(fault_of("\1a\xc0\x0c"s), NameFault::bad) << "back into its own labels";
  EXPECT_EQ(fault_of("\xc0\x0e\0"s), NameFault::bad) << "forward";
  EXPECT_EQ(fault_of("\1a\0\xc0\x04"s, 15), NameFault::bad) << "into the header";
  EXPECT_EQ(fault_of("\x40\0"s), NameFault::bad) << "label type 01";
  EXPECT_EQ(fault_of("\x80\0"s), NameFault::bad) << "label type 10";
  EXPECT_EQ(fault_of("\1a"s), NameFault::cut);
  EXPECT_EQ(fault_of("\5a"s), NameFault::cut);
  EXPECT_EQ(fault_of("\1a\xc0"s), NameFault::cut);
  EXPECT_EQ(fault_of(""), NameFault::cut);
  EXPECT_EQ(fault_of("", 500), NameFault::cut) << "starts past the end";
}

TEST(Name, PointersAreFollowed127Times) {
  std::string body = "\0"s;
  for (int i = 0; i < 130; ++i) {
    const auto to = static_cast<unsigned>(i == 0 ? 12 : 13 + 2 * (i - 1));
    body += {static_cast<char>(0xc0U | to >> 8U), static_cast<char>(to)};
  }
  EXPECT_EQ(fault_of(body, 13 + 2 * 126), NameFault::none);
  EXPECT_EQ(fault_of(body, 13 + 2 * 127), NameFault::bad);
}

std::span<const uint8_t> bytes(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

TEST(Name, APointerIntoTheHeaderIsBadWhateverIsKnown) {
  const Wire wire("\xc0\0"s);
  SoundNames known;
  EXPECT_EQ(measure_name(wire.span(), kDnsHeaderLen, known).fault, NameFault::bad);
  known.add_qname(1);
  known.add(20, {.end = 21, .wire_len = 1});
  EXPECT_EQ(measure_name(wire.span(), kDnsHeaderLen, known).fault, NameFault::bad);
}

TEST(NameKey, IgnoresTheCaseOfLettersOnly) {
  const std::string lower = "\3www\7example\3com\0"s;
  const std::string mixed = "\3wWw\7eXaMPle\3cOm\0"s;
  EXPECT_TRUE(names_equal(bytes(lower), bytes(mixed)));
  EXPECT_FALSE(names_equal(bytes(lower), bytes("\3www\7example\3net\0"s)));
  EXPECT_FALSE(names_equal(bytes(lower), bytes("\3www\7example\0"s)));
}

TEST(NameKey, FoldsExactlyTheLettersAtEveryPlace) {
  for (size_t at = 0; at < 20; ++at) {
    for (unsigned x = 0; x < 256; ++x) {
      std::string a(20, 'q');
      std::string b = a;
      a[at] = static_cast<char>(x);
      b[at] = static_cast<char>(x ^ 0x20U);
      const bool letter = (x | 0x20U) >= 'a' && (x | 0x20U) <= 'z';
      ASSERT_EQ(names_equal(bytes(a), bytes(b)), letter) << x;
    }
  }
}

TEST(NameKey, FoldedNamesAreTheSameBytesWhereNamesAreEqual) {
  for (const size_t len : {1U, 7U, 8U, 9U, 17U, 255U}) {
    std::string name;
    for (size_t i = 0; i < len; ++i) name += static_cast<char>(i * 37);
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    std::string folded(len + 1, '!');
    fold_name(bytes(name), reinterpret_cast<uint8_t*>(folded.data()));
    EXPECT_EQ(folded, lower + "!") << len;
    EXPECT_TRUE(names_equal(bytes(name), bytes(folded.substr(0, len)))) << len;
  }
}

}  // namespace
}  // namespace weir
