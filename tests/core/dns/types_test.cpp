#include "core/dns/types.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

template <class Write>
std::string text(Write write, unsigned number) {
  char room[kNameOfNumberRoom];
  return {room, write(room, static_cast<uint16_t>(number))};
}

TEST(Types, NamesAndNumbers) {
  EXPECT_EQ(text(write_type, 1), "A");
  EXPECT_EQ(text(write_type, 51), "NSEC3PARAM");
  EXPECT_EQ(text(write_type, 255), "ANY");
  EXPECT_EQ(text(write_type, 262), "WALLET");
  EXPECT_EQ(text(write_type, 32769), "DLV");
  EXPECT_EQ(text(write_type, 0), "TYPE0");
  EXPECT_EQ(text(write_type, 65535), "TYPE65535");
  EXPECT_EQ(text(write_class, 1), "IN");
  EXPECT_EQ(text(write_class, 65535), "CLASS65535");
  EXPECT_EQ(text(write_rcode, 3), "NXDOMAIN");
  EXPECT_EQ(text(write_rcode, 16), "BADVERS");
  EXPECT_EQ(text(write_rcode, 23), "BADCOOKIE");
  EXPECT_EQ(text(write_rcode, 4095), "RCODE4095");
  const auto opcode = [](char* out, uint16_t number) {
    return write_opcode(out, static_cast<uint8_t>(number));
  };
  EXPECT_EQ(text(opcode, 5), "UPDATE");
  EXPECT_EQ(text(opcode, 3), "OPCODE3");
  EXPECT_EQ(text(opcode, 255), "OPCODE255");
}

TEST(Types, WhatIsWrittenIsReadBack) {
  for (unsigned number = 0; number <= 0xffff; ++number) {
    ASSERT_EQ(parse_type(text(write_type, number)), number);
    ASSERT_EQ(parse_class(text(write_class, number)), number);
    ASSERT_EQ(parse_rcode(text(write_rcode, number)), number);
    if (!type_name(static_cast<uint16_t>(number)).empty()) {
      ASSERT_EQ(text(write_type, number), type_name(static_cast<uint16_t>(number)));
    }
  }
}

TEST(Types, ReadsAnyCaseAndRefusesTheRest) {
  EXPECT_EQ(parse_type("aaaa"), 28);
  EXPECT_EQ(parse_type("Type28"), 28);
  EXPECT_EQ(parse_rcode("badsig"), 16);
  EXPECT_EQ(parse_opcode("notify"), 4);
  for (const char* bad : {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "AA", "28"})
    EXPECT_FALSE(parse_type(bad)) << bad;
  EXPECT_FALSE(parse_opcode("OPCODE16"));
}

}  // namespace
}  // namespace weir
