#include "dataplane/capture_tap.h"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;

struct Copied {
  CapturedPacket head;
  std::string bytes;
};

struct CaptureTapTest : testing::Test {
  void add(CaptureWayOptions options, unsigned ring_depth = 4) {
    rings.push_back(std::make_unique<Ring>(ring_depth, 8));
    tap.add_way(std::move(options), *rings.back(), std::make_unique<BatchPool>(ring_depth + 1, 256, 0, 0));
  }
  Packet packet(std::string bytes) {
    const std::string& kept = packets.emplace_back(std::move(bytes));
    return {.bytes = {reinterpret_cast<const uint8_t*>(kept.data()), kept.size()},
            .wire_len = static_cast<uint32_t>(kept.size())};
  }
  void copy(const Packet& packet, std::optional<Drop> refused = {}) {
    tap.copy(packet, {.time_ns = 7, .input = 3, .refused = refused}, now);
  }
  std::vector<Copied> drain(unsigned way = 0) {
    std::vector<Copied> found;
    EXPECT_TRUE(tap.flush());
    while (Batch* batch = rings[way]->pop()) {
      for_each_record<CapturedPacket>(*batch, [&](const CapturedPacket& copy) {
        found.push_back({copy, {reinterpret_cast<const char*>(copy.bytes().data()), copy.len}});
      });
      rings[way]->release(batch);
    }
    return found;
  }

  Now now{.mono_ns = 11, .wall_ns = 0};
  std::list<std::string> packets;
  std::vector<std::unique_ptr<Ring>> rings;
  CaptureTap tap;
};

TEST_F(CaptureTapTest, CopiesBytesAndWhatIsKnownOfThem) {
  add({});
  Packet cut = packet("sixteen bytes of");
  cut.wire_len = 99;
  cut.link = LinkType::linux_sll;
  copy(cut, Drop::packet_other_port);
  const auto copies = drain();
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(copies[0].bytes, "sixteen bytes of");
  EXPECT_EQ(copies[0].head.wire_len, 99U);
  EXPECT_EQ(copies[0].head.link, 113);
  EXPECT_EQ(copies[0].head.time_ns, 7U);
  EXPECT_EQ(copies[0].head.arrival_ns, 11U);
  EXPECT_EQ(copies[0].head.input, 3);
  EXPECT_EQ(copies[0].head.refused, Drop::packet_other_port);
}

TEST_F(CaptureTapTest, PutsTheTagBackThatTheKernelTookOff) {
  add({});
  add({.snap_length = 14});
  Packet tagged = packet("aaaaaabbbbbb\x08\x00payload"s);
  tagged.vlan = 0x2abc;
  tagged.vlan_type = 0x88a8;
  copy(tagged);
  for (unsigned way : {0U, 1U}) {
    const auto copies = drain(way);
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_EQ(copies[0].bytes, "aaaaaabbbbbb\x88\xa8\x2a\xbc\x08\x00payload"s.substr(0, way == 0 ? 25 : 14));
    EXPECT_EQ(copies[0].head.wire_len, 25U);
  }
}

TEST_F(CaptureTapTest, EachWayPicksItsOwn) {
  add({.pick = CapturePick::all});
  add({.pick = CapturePick::rejected});
  add({.pick = CapturePick::filter, .filter = "ether[0] = 0x78"});
  copy(packet("x one"));
  copy(packet("x rejected"), Drop::packet_bad_ip);
  copy(packet("y filtered"), Drop::packet_other_port);
  EXPECT_EQ(drain(0).size(), 3U);
  const auto rejected = drain(1);
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].bytes, "x rejected");
  EXPECT_EQ(drain(2).size(), 2U);
  EXPECT_EQ(tap.balance(2).in, 2U);
}

TEST_F(CaptureTapTest, WhatFindsNoRoomIsCounted) {
  add({}, 1);
  const std::string bytes(150, 'x');
  EXPECT_TRUE(tap.has_room(packet(bytes), now));
  for (int i = 0; i < 10; ++i) copy(packet(bytes));
  EXPECT_FALSE(tap.has_room(packet(bytes), now));
  const Balance full = tap.balance(0);
  EXPECT_EQ(full.in, 10U);
  EXPECT_GT(full.drops, 0U);
  EXPECT_EQ(tap.lost(), full.drops);
  EXPECT_TRUE(full.even());
  tap.abandon();
  EXPECT_TRUE(tap.balance(0).even());
  EXPECT_EQ(tap.balance(0).in_flight, 0U);
}

TEST_F(CaptureTapTest, LongPacketsAreCutToTheSnapLengthAndShortOnesAreTaken) {
  add({.snap_length = 64});
  copy(packet(""));
  copy(packet(std::string(100'000, 'x')));
  const auto copies = drain();
  ASSERT_EQ(copies.size(), 2U);
  EXPECT_EQ(copies[0].bytes, "");
  EXPECT_EQ(copies[1].bytes, std::string(64, 'x'));
  EXPECT_EQ(copies[1].head.wire_len, 100'000U);
}

}  // namespace
}  // namespace weir
