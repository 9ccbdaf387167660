#include "dataplane/filter/link_filters.h"

#include <gtest/gtest.h>

#include "dataplane/headers/vlan_tag.h"
#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

const Bytes kQuery = ipv4({}, udp(40000, 53, text("a dns message")));
const Bytes kQuery6 = ipv6(17, udp(40000, 53, text("a dns message")));

Packet packet_of(const Bytes& bytes, LinkType link = LinkType::ethernet) {
  return {.bytes = bytes, .wire_len = static_cast<uint32_t>(bytes.size()), .link = link};
}

std::string refusal(const std::string& expression, std::span<const LinkType> links) {
  const Status checked = LinkFilters::check(expression, links);
  return checked ? "" : checked.error().message;
}

TEST(LinkFilters, PicksEveryPacketWithoutAnExpression) {
  LinkFilters filters("", true);
  EXPECT_TRUE(filters.pick(packet_of({})));
  EXPECT_TRUE(filters.pick(packet_of(kQuery, LinkType::raw)));
}

TEST(LinkFilters, AsksEachLinkTypeInItsWay) {
  for (const bool live : {true, false}) {
    LinkFilters filters("ip6 and port 53", live);
    EXPECT_TRUE(filters.pick(packet_of(ethernet(0x86dd, kQuery6))));
    EXPECT_FALSE(filters.pick(packet_of(ethernet(0x0800, kQuery))));
    EXPECT_TRUE(filters.pick(packet_of(kQuery6, LinkType::raw)));
    EXPECT_FALSE(filters.pick(packet_of(kQuery, LinkType::raw)));
    EXPECT_FALSE(filters.pick(packet_of(kQuery, LinkType::ipv4)));
    EXPECT_EQ(filters.fault(), "") << "that no packet can match is an answer";
  }
}

TEST(LinkFilters, CompilesAnExpressionOnceForALinkType) {
  const std::string expression = "port 53 and host 192.0.2.77";
  const auto first = compiled_filter(expression, LinkType::ethernet);
  ASSERT_TRUE(LinkFilters::check(expression, LinkFilters::kLive));
  const auto again = compiled_filter(expression, LinkType::ethernet);
  ASSERT_TRUE(first);
  ASSERT_TRUE(again);
  EXPECT_EQ(*first, *again);
  EXPECT_NE(*first, *compiled_filter(expression, LinkType::raw));
  EXPECT_NE(*first, *compiled_filter(expression + " and udp", LinkType::ethernet));
  EXPECT_FALSE(compiled_filter("prot 53", LinkType::ethernet));
}

// The family of LinkType::null is in the byte order of who captured.
TEST(LinkFilters, AsksBothByteOrdersOfBsdLoopback) {
  LinkFilters filters("port 53", false);
  const Bytes little = joined({2, 0, 0, 0}, kQuery);
  const Bytes big = joined({0, 0, 0, 2}, kQuery);
  const Bytes big6 = joined({0, 0, 0, 30}, kQuery6);
  EXPECT_TRUE(filters.pick(packet_of(little, LinkType::null)));
  EXPECT_TRUE(filters.pick(packet_of(big, LinkType::null)));
  EXPECT_TRUE(filters.pick(packet_of(big6, LinkType::null)));
  EXPECT_FALSE(filters.pick(packet_of({0, 0}, LinkType::null)));
}

TEST(LinkFilters, PutsTheTagBackThatWasTakenOff) {
  LinkFilters filters("vlan 100 and port 53", true);
  const Bytes stripped = ethernet(0x0800, kQuery);
  Packet packet = packet_of(stripped);
  EXPECT_FALSE(filters.pick(packet));
  packet.vlan = 100;
  EXPECT_TRUE(filters.pick(packet));
  packet.vlan = 0x6064;  // with a priority
  EXPECT_TRUE(filters.pick(packet));
  packet.vlan = 101;
  EXPECT_FALSE(filters.pick(packet));
  // Of two, the kernel takes the outer one.
  const Bytes inner = ethernet(0x8100, vlan(0x0800, kQuery, 100));
  packet = packet_of(inner);
  packet.vlan = 7;
  EXPECT_FALSE(filters.pick(packet));
  LinkFilters both("vlan 7 and vlan 100 and port 53", true);
  EXPECT_TRUE(both.pick(packet));
}

TEST(LinkFilters, SaysForWhichLinkTypeItMeansNothing) {
  LinkFilters filters("vlan 100", false);
  EXPECT_TRUE(filters.pick(packet_of(ethernet(0x8100, vlan(0x0800, kQuery, 100)))));
  EXPECT_EQ(filters.fault(), "");
  EXPECT_FALSE(filters.pick(packet_of(kQuery, LinkType::raw)));
  EXPECT_EQ(filters.fault(),
            "has packets that the filter cannot be asked about: 'vlan 100' is no filter for packets of link "
            "type RAW: no VLAN support for Raw IP; pcap-filter(7) tells how to write one");
}

TEST(LinkFilters, LeavesLinkTypesThatAreNotDecodedToTheHeaderWalk) {
  LinkFilters filters("port 53", false);
  EXPECT_TRUE(filters.pick(packet_of(kQuery, static_cast<LinkType>(147))));
  EXPECT_EQ(filters.fault(), "");
}

TEST(LinkFilters, ChecksThatOneLinkTypeCanMatch) {
  EXPECT_EQ(refusal("port 53", LinkFilters::kLive), "");
  EXPECT_EQ(refusal("ether broadcast", LinkFilters::kLive), "");
  EXPECT_EQ(refusal("inbound", kDecodedLinks), "") << "for cooked captures";
  EXPECT_NE(refusal("inbound", LinkFilters::kLive).find("EN10MB"), std::string::npos);
  EXPECT_NE(refusal("prot 53", LinkFilters::kLive).find("syntax error"), std::string::npos);
  EXPECT_EQ(refusal("ip and arp", LinkFilters::kLive),
            "'ip and arp' can match no packet; pcap-filter(7) tells how to write one");
}

TEST(VlanTag, IsPutBackBehindTheAddresses) {
  const Bytes stripped = ethernet(0x0800, kQuery);
  Packet packet = packet_of(stripped);
  packet.wire_len += 10;
  std::vector<uint8_t> buffer;
  EXPECT_EQ(with_tag(packet, buffer).bytes.data(), stripped.data()) << "nothing to put back";
  packet.vlan = 0x6064;
  packet.vlan_type = 0x88a8;
  const Packet whole = with_tag(packet, buffer);
  const Bytes expected = ethernet(0x88a8, vlan(0x0800, kQuery, 0x6064));
  EXPECT_EQ(Bytes(whole.bytes.begin(), whole.bytes.end()), expected);
  EXPECT_EQ(whole.wire_len, expected.size() + 10);
  EXPECT_FALSE(whole.vlan);
  packet.bytes = packet.bytes.first(11);
  EXPECT_EQ(with_tag(packet, buffer).bytes.size(), 11U) << "no place for it";
  packet.bytes = packet.bytes.first(0);
  EXPECT_EQ(with_tag(packet, buffer).bytes.size(), 0U);
}

}  // namespace
}  // namespace weir
