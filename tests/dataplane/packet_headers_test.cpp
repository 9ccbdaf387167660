#include "dataplane/packet_headers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

const DnsPorts kDns({53, 5353});

struct Found {
  std::optional<Drop> drop;
  Datagram datagram;
  [[nodiscard]] std::string payload() const { return {datagram.payload.begin(), datagram.payload.end()}; }
};

// The bytes are copied to the heap in their exact size, so that ASan sees a read past them.
Found find(const Bytes& bytes, LinkType link = LinkType::ethernet, size_t wire_len = 0) {
  static std::vector<std::unique_ptr<uint8_t[]>> kept;
  kept.push_back(std::make_unique<uint8_t[]>(bytes.size()));
  if (!bytes.empty()) std::memcpy(kept.back().get(), bytes.data(), bytes.size());
  Found found;
  const Packet packet{{kept.back().get(), bytes.size()},
                      static_cast<uint32_t>(wire_len == 0 ? bytes.size() : wire_len),
                      link};
  found.drop = find_datagram(packet, kDns, found.datagram);
  return found;
}

Drop why(const Found& found) { return found.drop.value_or(Drop::count_); }

const Bytes kPayload = text("a dns message");
const Bytes kUdp4 = ipv4({}, udp(40000, 53, kPayload));
const Bytes kUdp6 = ipv6(17, udp(40000, 53, kPayload));

TEST(PacketHeaders, FindsIpv4) {
  const Found f = find(ethernet(0x0800, kUdp4));
  ASSERT_FALSE(f.drop);
  EXPECT_EQ(f.payload(), "a dns message");
  EXPECT_EQ(to_string(f.datagram.src), "192.0.2.1:40000");
  EXPECT_EQ(to_string(f.datagram.dst), "198.51.100.53:53");
  EXPECT_EQ(f.datagram.wire_len, kPayload.size());
}

TEST(PacketHeaders, FindsIpv6) {
  const Found f = find(ethernet(0x86dd, kUdp6));
  ASSERT_FALSE(f.drop);
  EXPECT_EQ(f.payload(), "a dns message");
  EXPECT_EQ(to_string(f.datagram.src), "[2001:db8::1]:40000");
  EXPECT_EQ(to_string(f.datagram.dst), "[2001:db8::35]:53");
}

TEST(PacketHeaders, LooksThroughFourTags) {
  Bytes p = kUdp4;
  unsigned type = 0x0800;
  for (const unsigned outer : {0x8100U, 0x9100U, 0x88a8U, 0x8100U}) {
    p = vlan(type, p);
    type = outer;
    EXPECT_FALSE(find(ethernet(type, p)).drop);
  }
  EXPECT_EQ(why(find(ethernet(0x8100, vlan(type, p)))), Drop::packet_not_ip);
}

TEST(PacketHeaders, SkipsIpv4Options) {
  const Bytes p = ipv4({.options = Bytes(40, 1)}, udp(40000, 53, kPayload));
  EXPECT_EQ(find(ethernet(0x0800, p)).payload(), "a dns message");
}

TEST(PacketHeaders, WalksIpv6ExtensionHeaders) {
  const Bytes d = udp(40000, 53, kPayload);
  EXPECT_EQ(find(ethernet(0x86dd, ipv6(0, extension(17, d)))).payload(), "a dns message");
  EXPECT_EQ(
      find(ethernet(0x86dd, ipv6(0, extension(43, extension(60, extension(17, d, 1), 31), 2)))).payload(),
      "a dns message");
  Bytes p = d;
  uint8_t next = 17;
  for (int i = 0; i < 8; ++i) {
    p = extension(next, p);
    next = 60;
  }
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(60, p)))), Drop::packet_bad_ip) << "more than anyone sends";
  Bytes past_end = extension(17, d);
  past_end[1] = 200;
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(0, past_end)))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(60, {17, 0, 0})))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(59, {})))), Drop::packet_not_udp);
}

TEST(PacketHeaders, TakesAtomicFragmentsOnly) {
  const Bytes d = udp(40000, 53, kPayload);
  EXPECT_EQ(find(ethernet(0x86dd, ipv6(44, fragment6(17, 0, d)))).payload(), "a dns message");
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(44, fragment6(17, 1, d))))), Drop::packet_fragment);
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(44, fragment6(17, 8, d))))), Drop::packet_fragment);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.flags_and_offset = 0x2000}, d)))), Drop::packet_fragment);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.flags_and_offset = 0x0001}, d)))), Drop::packet_fragment);
  EXPECT_FALSE(find(ethernet(0x0800, ipv4({.flags_and_offset = 0x8000}, d))).drop) << "RFC 3514";
}

TEST(PacketHeaders, NamesWhatIsNotDns) {
  const Bytes tcp = {0x9c, 0x40, 0, 53, 0, 0, 0, 0};
  const Bytes tcp_other = {0x9c, 0x40, 1, 187, 0, 0, 0, 0};
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, tcp)))), Drop::packet_tcp);
  EXPECT_EQ(why(find(ethernet(0x86dd, ipv6(6, tcp)))), Drop::packet_tcp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, tcp_other)))), Drop::packet_other_port);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(40000, 123, kPayload))))), Drop::packet_other_port);
  EXPECT_FALSE(find(ethernet(0x0800, ipv4({}, udp(5353, 40000, kPayload)))).drop);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 1}, kPayload)))), Drop::packet_not_udp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 4}, kUdp4)))), Drop::packet_not_udp);
  EXPECT_EQ(why(find(ethernet(0x0806, Bytes(28, 0)))), Drop::packet_not_ip);
  EXPECT_EQ(why(find(ethernet(0x0026, Bytes(38, 0)))), Drop::packet_not_ip) << "802.3 with a length";
  EXPECT_EQ(why(find(ethernet(0x8847, kUdp4))), Drop::packet_not_ip);
}

TEST(PacketHeaders, IgnoresPadding) {
  Bytes p = ethernet(0x0800, ipv4({}, udp(40000, 53, text("x"))));
  p.resize(60);
  EXPECT_EQ(find(p).payload(), "x");
  p = ethernet(0x86dd, kUdp6);
  p.resize(p.size() + 9);
  EXPECT_EQ(find(p).payload(), "a dns message");
}

TEST(PacketHeaders, CutPacketsAreCutNoMatterWhere) {
  for (const auto& [type, ip] :
       {std::pair{0x0800U, kUdp4}, std::pair{0x86ddU, ipv6(0, extension(17, udp(40000, 53, kPayload)))}}) {
    const Bytes whole = ethernet(0x8100, vlan(type, ip));
    const size_t payload_at = whole.size() - kPayload.size();
    for (size_t len = 0; len < whole.size(); ++len) {
      const Found f = find(Bytes(whole.begin(), whole.begin() + static_cast<long>(len)), LinkType::ethernet,
                           whole.size());
      if (len < payload_at) {
        EXPECT_EQ(why(f), Drop::packet_cut) << len;
        continue;
      }
      ASSERT_FALSE(f.drop) << len;
      EXPECT_EQ(f.datagram.payload.size(), len - payload_at);
      EXPECT_EQ(f.datagram.wire_len, kPayload.size());
    }
  }
}

TEST(PacketHeaders, Ipv4LengthsThatContradict) {
  const Bytes d = udp(40000, 53, kPayload);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.total = 19}, d)))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.total = 27}, d)))), Drop::packet_bad_udp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.total = 30}, d)))), Drop::packet_bad_udp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.header_words = 4}, d)))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.header_words = 15}, d)))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.version = 6}, d)))), Drop::packet_bad_ip);
  EXPECT_EQ(why(find(ethernet(0x86dd, kUdp4))), Drop::packet_bad_ip);
  EXPECT_EQ(find(ethernet(0x0800, ipv4({.total = 0}, d))).payload(), "a dns message")
      << "segmentation offload leaves the length to the NIC";
}

TEST(PacketHeaders, LengthPastTheWireIsACutMessage) {
  // The capture lost the end without telling: the IP header still knows how much there was.
  Bytes p = ethernet(0x0800, kUdp4);
  p.resize(p.size() - 4);
  const Found f = find(p);
  ASSERT_FALSE(f.drop);
  EXPECT_EQ(f.payload(), "a dns mes");
  EXPECT_EQ(f.datagram.wire_len, 13U);
}

TEST(PacketHeaders, UdpLengths) {
  EXPECT_EQ(find(ethernet(0x0800, ipv4({}, udp(40000, 53, kPayload, 8 + 5)))).payload(), "a dns");
  EXPECT_EQ(find(ethernet(0x0800, ipv4({}, udp(40000, 53, kPayload, 0)))).payload(), "a dns message");
  EXPECT_EQ(find(ethernet(0x0800, ipv4({}, udp(40000, 53, {})))).payload(), "") << "empty, but a datagram";
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(40000, 53, kPayload, 7))))), Drop::packet_bad_udp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(40000, 53, kPayload, 9000))))), Drop::packet_bad_udp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, {0, 1, 2})))), Drop::packet_bad_udp);
  EXPECT_EQ(find(ethernet(0x86dd, ipv6(17, udp(40000, 53, kPayload), 0))).payload(), "a dns message");
}

TEST(PacketHeaders, LinkTypes) {
  const auto behind = [](Bytes head, const Bytes& ip) {
    put(head, ip);
    return head;
  };
  EXPECT_FALSE(find(kUdp4, LinkType::raw).drop);
  EXPECT_FALSE(find(kUdp6, LinkType::raw_bsd).drop);
  EXPECT_FALSE(find(kUdp4, LinkType::ipv4).drop);
  EXPECT_FALSE(find(kUdp6, LinkType::ipv6).drop);
  EXPECT_FALSE(find(behind({2, 0, 0, 0}, kUdp4), LinkType::null).drop);
  EXPECT_FALSE(find(behind({0, 0, 0, 2}, kUdp4), LinkType::null).drop);
  EXPECT_FALSE(find(behind({30, 0, 0, 0}, kUdp6), LinkType::null).drop);
  EXPECT_FALSE(find(behind({0, 0, 0, 24}, kUdp6), LinkType::loop).drop);
  EXPECT_EQ(why(find(behind({7, 0, 0, 0}, kUdp4), LinkType::null)), Drop::packet_not_ip);
  EXPECT_FALSE(find(behind({0, 0x21}, kUdp4), LinkType::ppp).drop);
  EXPECT_FALSE(find(behind({0xff, 3, 0, 0x57}, kUdp6), LinkType::ppp).drop);
  EXPECT_FALSE(find(behind({0x21}, kUdp4), LinkType::ppp).drop);
  Bytes sll(14, 0);
  put16(sll, 0x0800);
  EXPECT_FALSE(find(behind(sll, kUdp4), LinkType::linux_sll).drop);
  Bytes sll2 = {0x86, 0xdd};
  sll2.resize(20);
  EXPECT_FALSE(find(behind(sll2, kUdp6), LinkType::linux_sll2).drop);
  EXPECT_EQ(why(find(kUdp4, static_cast<LinkType>(147))), Drop::packet_not_ip);
  for (const unsigned link : {0, 1, 9, 12, 101, 108, 113, 228, 229, 276})
    EXPECT_EQ(why(find({}, static_cast<LinkType>(link))), Drop::packet_cut) << link;
}

TEST(PacketHeaders, FlowsHaveNoDirection) {
  const auto flow = [](uint32_t a, unsigned ap, uint32_t b, unsigned bp) {
    return find(ethernet(0x0800, ipv4({.src = a, .dst = b}, udp(ap, bp, kPayload)))).datagram.flow;
  };
  EXPECT_EQ(flow(1, 1000, 2, 53), flow(2, 53, 1, 1000));
  EXPECT_EQ(flow(1, 53, 1, 1000), flow(1, 1000, 1, 53));
  std::set<uint32_t> flows;
  for (unsigned port = 1000; port < 2000; ++port) flows.insert(flow(1, port, 2, 53));
  EXPECT_EQ(flows.size(), 1000U);
  const auto flow6 = [](uint8_t a, uint8_t b, unsigned ap, unsigned bp) {
    return find(ethernet(0x86dd, ipv6(17, udp(ap, bp, kPayload), -1, a, b))).datagram.flow;
  };
  EXPECT_EQ(flow6(1, 2, 1000, 53), flow6(2, 1, 53, 1000));
  EXPECT_NE(flow6(1, 2, 1000, 53), flow6(1, 3, 1000, 53));
}

}  // namespace
}  // namespace weir
