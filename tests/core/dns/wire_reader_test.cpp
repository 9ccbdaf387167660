#include "core/dns/wire_reader.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(WireReader, ReadsNetworkOrder) {
  const uint8_t wire[] = {1, 2, 3, 4, 5, 6, 7, 8};
  WireReader reader(wire);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.left(), 1U);
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, FirstErrorSticks) {
  const uint8_t wire[] = {1, 2, 3};
  WireReader reader(wire, 1);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "two bytes were left, but the error stays";
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_TRUE(reader.bytes(0).empty());
}

TEST(WireReader, OffsetPastTheEndIsAnError) {
  const uint8_t wire[] = {1};
  EXPECT_TRUE(WireReader(wire, 1).ok());
  EXPECT_FALSE(WireReader(wire, 2).ok());
}

}  // namespace
}  // namespace weir
