#include "dataplane/packet_headers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

const HeaderOptions kOptions{.ports = DnsPorts({53, 5353})};

struct Found {
  std::optional<Drop> drop;
  Carried datagram;
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
  found.drop = walk_headers(packet, kOptions, found.datagram);
  return found;
}

constexpr auto kDatagram = Carried::Kind::datagram;

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

TEST(PacketHeaders, LooksThroughEightTagsAndTellsFour) {
  Bytes p = kUdp4;
  unsigned type = 0x0800;
  for (const unsigned outer : {0x8100U, 0x9100U, 0x88a8U, 0x8100U, 0x8100U, 0x8100U, 0x8100U, 0x8100U}) {
    p = vlan(type, p);
    type = outer;
    EXPECT_FALSE(find(ethernet(type, p)).drop);
  }
  EXPECT_EQ(find(ethernet(type, p)).datagram.info.vlan_count, 4);
  EXPECT_EQ(why(find(ethernet(0x8100, vlan(type, p)))), Drop::tunnel_too_deep);
}

TEST(PacketHeaders, TellsVlanIdsTheOutermostFirst) {
  const Found f = find(ethernet(0x88a8, vlan(0x8100, vlan(0x0800, kUdp4, 0x6007), 0x0064)));
  ASSERT_FALSE(f.drop);
  ASSERT_EQ(f.datagram.info.vlan_count, 2);
  EXPECT_EQ(f.datagram.info.vlans[0], 100);
  EXPECT_EQ(f.datagram.info.vlans[1], 7) << "priority and DEI are not of the id";
  EXPECT_EQ(find(ethernet(0x0800, kUdp4)).datagram.info, PacketInfo{});
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
  for (int i = 0; i < 9; ++i) {
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

TEST(PacketHeaders, AtomicFragmentsAreWhole) {
  const Bytes d = udp(40000, 53, kPayload);
  EXPECT_EQ(find(ethernet(0x86dd, ipv6(44, fragment6(17, 0, d)))).payload(), "a dns message");
  EXPECT_EQ(find(ethernet(0x0800, ipv4({.flags_and_offset = 0x8000}, d))).datagram.kind, kDatagram)
      << "RFC 3514";
}

TEST(PacketHeaders, NamesWhatIsNotDns) {
  const Bytes tcp_other = {0x9c, 0x40, 1, 187, 0, 0, 0, 0};
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, tcp_other)))), Drop::packet_other_port);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(40000, 123, kPayload))))), Drop::packet_other_port);
  EXPECT_FALSE(find(ethernet(0x0800, ipv4({}, udp(5353, 40000, kPayload)))).drop);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 1}, kPayload)))), Drop::packet_not_udp);
  EXPECT_EQ(why(find(ethernet(0x0806, Bytes(28, 0)))), Drop::packet_not_ip);
  EXPECT_EQ(why(find(ethernet(0x0026, Bytes(38, 0)))), Drop::packet_not_ip) << "802.3 with a length";
  EXPECT_EQ(why(find(ethernet(0x8863, kUdp4))), Drop::packet_not_ip) << "PPPoE discovery";
}

TEST(PacketHeaders, FindsFragments) {
  const Found v4 = find(ethernet(0x0800, ipv4({.flags_and_offset = 0x2003}, kPayload)));
  ASSERT_FALSE(v4.drop);
  EXPECT_EQ(v4.datagram.kind, Carried::Kind::fragment);
  EXPECT_EQ(v4.datagram.fragment.id, 1U);
  EXPECT_EQ(v4.datagram.fragment.offset, 24);
  EXPECT_EQ(v4.datagram.fragment.protocol, 17);
  EXPECT_TRUE(v4.datagram.fragment.more);
  EXPECT_EQ(v4.payload(), "a dns message");
  const Found v6 = find(ethernet(0x86dd, ipv6(44, fragment6(17, 8, kPayload))));
  ASSERT_FALSE(v6.drop);
  EXPECT_EQ(v6.datagram.kind, Carried::Kind::fragment);
  EXPECT_EQ(v6.datagram.fragment.id, 77U);
  EXPECT_EQ(v6.datagram.fragment.offset, 8);
  EXPECT_FALSE(v6.datagram.fragment.more);
  EXPECT_EQ(v6.datagram.wire_len, kPayload.size());
  EXPECT_TRUE(find(ethernet(0x86dd, ipv6(44, fragment6(17, 1, kPayload)))).datagram.fragment.more);
}

TEST(PacketHeaders, GoesOnInADatagramOfFragments) {
  Found f = find(ethernet(0x0800, ipv4({.flags_and_offset = 0x2000}, kPayload)));
  const Bytes whole = udp(40000, 53, kPayload);
  EXPECT_FALSE(walk_datagram(whole, static_cast<uint32_t>(whole.size()), kOptions, f.datagram));
  EXPECT_EQ(f.datagram.kind, kDatagram);
  EXPECT_EQ(f.payload(), "a dns message");
  EXPECT_EQ(to_string(f.datagram.dst), "198.51.100.53:53");
  EXPECT_FALSE(refuse_datagram(17, whole, kOptions));
  EXPECT_FALSE(refuse_datagram(17, {}, kOptions)) << "not captured";
  EXPECT_EQ(refuse_datagram(17, udp(1, 2, {}), kOptions), Drop::packet_other_port);
  EXPECT_EQ(refuse_datagram(1, whole, kOptions), Drop::packet_not_udp);
  EXPECT_FALSE(refuse_datagram(47, whole, kOptions)) << "a tunnel";
}

TEST(PacketHeaders, FindsTcpSegments) {
  const Found f = find(ethernet(0x0800, ipv4({.protocol = 6}, tcp({.options = Bytes(8, 1)}, kPayload))));
  ASSERT_FALSE(f.drop);
  EXPECT_EQ(f.datagram.kind, Carried::Kind::segment);
  EXPECT_EQ(f.payload(), "a dns message");
  EXPECT_EQ(f.datagram.tcp.seq, 1000U);
  EXPECT_EQ(f.datagram.tcp.ack, 2000U);
  EXPECT_EQ(f.datagram.tcp.flags, 0x18);
  EXPECT_EQ(to_string(f.datagram.src), "192.0.2.1:40000");
  const Found v6 = find(ethernet(0x86dd, ipv6(6, tcp({}, {}))));
  ASSERT_FALSE(v6.drop);
  EXPECT_EQ(v6.datagram.wire_len, 0U);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, tcp({.words = 4}, kPayload))))),
            Drop::packet_bad_tcp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, tcp({.words = 15}, kPayload))))),
            Drop::packet_bad_tcp);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 6}, {0x9c, 0x40, 0, 53, 0, 0})))),
            Drop::packet_bad_tcp);
}

TEST(PacketHeaders, OpensMpls) {
  EXPECT_EQ(find(ethernet(0x8847, mpls({16, 17}, kUdp4))).payload(), "a dns message");
  EXPECT_EQ(find(ethernet(0x8848, mpls({16}, kUdp6))).payload(), "a dns message");
  Bytes pseudowire = {0, 0, 0, 0};  // control word
  put(pseudowire, ethernet(0x0800, kUdp4));
  EXPECT_EQ(find(ethernet(0x8847, mpls({16}, pseudowire))).payload(), "a dns message");
  EXPECT_EQ(find(ethernet(0x8847, mpls({16}, ethernet(0x86dd, kUdp6)))).payload(), "a dns message");
  EXPECT_EQ(why(find(ethernet(0x8847, mpls({1, 2, 3, 4, 5, 6, 7, 8, 9}, kUdp4)))), Drop::tunnel_too_deep);
}

TEST(PacketHeaders, OpensPppoe) {
  const auto pppoe = [](unsigned protocol, const Bytes& ip) {
    Bytes p = {0x11, 0, 0, 9};
    put16(p, static_cast<unsigned>(ip.size() + 2));
    put16(p, protocol);
    put(p, ip);
    return p;
  };
  Bytes p = ethernet(0x8864, pppoe(0x0021, kUdp4));
  p.resize(p.size() + 6);
  EXPECT_EQ(find(p).payload(), "a dns message");
  EXPECT_EQ(find(ethernet(0x8864, pppoe(0x0057, kUdp6))).payload(), "a dns message");
  EXPECT_EQ(why(find(ethernet(0x8864, pppoe(0xc021, kUdp4)))), Drop::packet_not_ip) << "LCP";
}

TEST(PacketHeaders, OpensLlcWithSnap) {
  Bytes snap = {0xaa, 0xaa, 3, 0, 0, 0};
  put16(snap, 0x0800);
  put(snap, kUdp4);
  EXPECT_EQ(find(ethernet(static_cast<unsigned>(snap.size()), snap)).payload(), "a dns message");
  snap[0] = 0x42;
  EXPECT_EQ(why(find(ethernet(static_cast<unsigned>(snap.size()), snap))), Drop::packet_not_ip) << "STP";
}

// Each within IPv4 from 192.0.2.1 to 198.51.100.53, which are the inner packet's, too.
struct Opened {
  const char* name;
  Tunnel tunnel;
  uint32_t id;
  uint8_t protocol;
  Bytes payload;
};

std::vector<Opened> tunnels() {
  const Bytes frame = ethernet(0x0800, kUdp4);
  const Bytes frame6 = ethernet(0x86dd, kUdp6);
  return {
      {"IP in IP", Tunnel::ipip, 0, 4, kUdp4},
      {"6in4", Tunnel::ipip, 0, 41, kUdp6},
      {"GRE", Tunnel::gre, 0, 47, gre(0x0800, kUdp4)},
      {"GRE with checksum, key, sequence", Tunnel::gre, 77, 47,
       gre(0x86dd, kUdp6, {.checksum = true, .key = 77, .sequence = true})},
      {"GRE with Ethernet", Tunnel::gre, 0, 47, gre(0x6558, frame6)},
      {"GRE with MPLS", Tunnel::gre, 0, 47, gre(0x8847, mpls({16}, kUdp4))},
      {"ERSPAN I", Tunnel::erspan, 0, 47, gre(0x88be, frame)},
      {"ERSPAN II", Tunnel::erspan, 55, 47,
       gre(0x88be, joined({0x10, 0x64, 0x18, 55, 0, 0, 0, 1}, frame), {.sequence = true})},
      {"ERSPAN III", Tunnel::erspan, 300, 47,
       gre(0x22eb, joined({0x20, 0, 0x01, 0x2c, 0, 0, 0, 0, 0, 0, 0, 0}, frame), {.sequence = true})},
      {"ERSPAN III with a platform header", Tunnel::erspan, 1, 47,
       gre(0x22eb, joined({0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9}, frame),
           {.sequence = true})},
      {"ERSPAN III with bare IP", Tunnel::erspan, 1, 47,
       gre(0x22eb, joined({0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x08, 0}, kUdp4), {.sequence = true})},
      {"VXLAN", Tunnel::vxlan, 4242, 17, udp(5555, 4789, joined({8, 0, 0, 0, 0, 0x10, 0x92, 0}, frame))},
      {"VXLAN on Linux's old port", Tunnel::vxlan, 1, 17,
       udp(5555, 8472, joined({8, 0, 0, 0, 0, 0, 1, 0}, frame6))},
      {"Geneve", Tunnel::geneve, 7, 17, udp(5555, 6081, joined({0, 0, 0x65, 0x58, 0, 0, 7, 0}, frame))},
      {"Geneve with options and bare IP", Tunnel::geneve, 7, 17,
       udp(5555, 6081, joined({2, 0, 0x08, 0, 0, 0, 7, 0, 1, 2, 3, 4, 5, 6, 7, 8}, kUdp4))},
      {"TZSP", Tunnel::tzsp, 0, 17, udp(5555, 37008, joined({1, 0, 0, 1, 0, 10, 1, 200, 1}, frame))},
  };
}

TEST(PacketHeaders, OpensTunnels) {
  for (const Opened& t : tunnels()) {
    const Bytes outer = ipv4({.protocol = t.protocol, .src = 0x0a000001, .dst = 0x0a000002}, t.payload);
    const Found f = find(ethernet(0x8100, vlan(0x0800, outer, 12)));
    ASSERT_FALSE(f.drop) << t.name << ": " << drop_info(*f.drop).name;
    EXPECT_EQ(f.payload(), "a dns message") << t.name;
    EXPECT_EQ(f.datagram.info.tunnel, t.tunnel) << t.name;
    EXPECT_EQ(f.datagram.info.tunnel_id, t.id) << t.name;
    EXPECT_EQ(to_string(f.datagram.info.outer_src), "10.0.0.1") << t.name;
    EXPECT_EQ(to_string(f.datagram.info.outer_dst), "10.0.0.2") << t.name;
    EXPECT_EQ(f.datagram.info.vlan_count, 1) << t.name;
    EXPECT_EQ(f.datagram.src.port, 40000U) << t.name;
    EXPECT_FALSE(find(ethernet(0x86dd, ipv6(t.protocol, t.payload))).drop) << t.name << " over IPv6";
  }
}

TEST(PacketHeaders, CutTunnelsAreCut) {
  for (const Opened& t : tunnels()) {
    const Bytes whole = ethernet(0x0800, ipv4({.protocol = t.protocol}, t.payload));
    for (size_t len = 0; len < whole.size(); ++len) {
      const Found f = find(Bytes(whole.begin(), whole.begin() + static_cast<long>(len)), LinkType::ethernet,
                           whole.size());
      if (len < whole.size() - kPayload.size()) {
        EXPECT_EQ(why(f), Drop::packet_cut) << t.name << " after " << len;
      } else {
        ASSERT_FALSE(f.drop) << t.name << " after " << len;
        EXPECT_EQ(f.datagram.wire_len, kPayload.size());
      }
    }
  }
}

TEST(PacketHeaders, WhatOnlyLooksLikeATunnelIsOnAnotherPort) {
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(5555, 4789, Bytes(40, 0)))))), Drop::packet_other_port);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(5555, 6081, Bytes(40, 0xff)))))), Drop::packet_other_port);
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({}, udp(5555, 37008, Bytes(40, 7)))))), Drop::packet_other_port);
  EXPECT_EQ(find(ethernet(0x0800, ipv4({}, udp(4789, 53, kPayload)))).payload(), "a dns message")
      << "a port that a resolver happened to take";
}

TEST(PacketHeaders, TunnelsInTunnelsEnd) {
  Bytes p = kUdp4;
  for (int i = 0; i < 4; ++i) {
    p = ipv4({.protocol = 4}, p);
    EXPECT_FALSE(find(ethernet(0x0800, p)).drop);
  }
  EXPECT_EQ(why(find(ethernet(0x0800, ipv4({.protocol = 4}, p)))), Drop::tunnel_too_deep);
}

TEST(PacketHeaders, VerifiesChecksumsOnRequest) {
  const HeaderOptions verify{.ports = DnsPorts({53}), .verify_checksums = true};
  const auto end = [&](const Bytes& p) {
    Carried carried;
    return walk_headers({p, static_cast<uint32_t>(p.size())}, verify, carried);
  };
  // From a capture of `dig` against a server, so the sums are not ours.
  const Bytes good = {0x45, 0x00, 0x00, 0x2d, 0x1c, 0x46, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0x00,
                      0x02, 0x01, 0xc6, 0x33, 0x64, 0x35, 0x9c, 0x40, 0x00, 0x35, 0x00, 0x19, 0x00, 0x00};
  Bytes p = ethernet(0x0800, joined(good, text("seventeen bytes !")));
  EXPECT_EQ(end(p), Drop::packet_bad_checksum);
  uint32_t sum = 0;
  for (size_t i = 14; i < 34; i += 2) sum += static_cast<uint32_t>(p[i] << 8U | p[i + 1]);
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = ~((sum & 0xffffU) + (sum >> 16U)) & 0xffffU;
  p[24] = static_cast<uint8_t>(sum >> 8U);
  p[25] = static_cast<uint8_t>(sum);
  EXPECT_EQ(end(p), std::nullopt) << "UDP's may be left out (RFC 768)";
  p[40] = 1;
  EXPECT_EQ(end(p), Drop::packet_bad_checksum);
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
