#include "core/packet_info.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

PacketInfo there_and_back(const PacketInfo& info, size_t expected_len) {
  std::array<uint8_t, kMaxPacketInfo> bytes{};
  const size_t len = encode(info, bytes.data());
  EXPECT_EQ(len, expected_len);
  return decode_packet_info({bytes.data(), len});
}

TEST(PacketInfo, AnEmptyOneTakesNothing) {
  EXPECT_TRUE(PacketInfo{}.empty());
  EXPECT_EQ(there_and_back({}, 0), PacketInfo{});
}

TEST(PacketInfo, IsShortWhereThereIsLittleToSay) {
  PacketInfo info;
  info.vlan_count = 1;
  info.vlans[0] = 100;
  EXPECT_FALSE(info.empty());
  EXPECT_EQ(there_and_back(info, 3), info);
  info = {};
  info.has_setup = true;
  EXPECT_EQ(there_and_back(info, 9), info);
}

TEST(PacketInfo, ComesBackWhole) {
  PacketInfo info;
  info.vlan_count = 4;
  for (uint16_t i = 0; i < 4; ++i) info.vlans[i] = static_cast<uint16_t>(4000 + i);
  info.tunnel = Tunnel::tzsp;
  info.tunnel_id = 0xfffefdfc;
  info.outer_src = *parse_addr("2001:db8::1");
  info.outer_dst = *parse_addr("2001:db8::2");
  info.has_setup = true;
  info.setup_ns = UINT64_MAX;
  info.has_transfer = true;
  info.transfer = {
      .messages = 70'000, .records = UINT32_MAX, .bytes = UINT64_MAX, .duration_ns = 1, .whole = true};
  EXPECT_EQ(there_and_back(info, kMaxPacketInfo), info);
  info.outer_src = *parse_addr("192.0.2.1");
  info.outer_dst = *parse_addr("192.0.2.2");
  EXPECT_EQ(there_and_back(info, kMaxPacketInfo - 24), info);
}

}  // namespace
}  // namespace weir
