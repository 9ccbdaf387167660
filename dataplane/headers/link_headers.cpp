// Ethernet and the other links, VLAN tags, MPLS, PPP and PPPoE.
#include "dataplane/headers/header_walk.h"

namespace weir {
namespace {

constexpr unsigned kMaxTags = 8;  // VLAN tags and MPLS labels, over all tunnels

enum EtherType : uint16_t {
  kIpv4 = 0x0800,
  kTransparentEthernet = 0x6558,
  kVlan = 0x8100,
  kIpv6 = 0x86dd,
  kMplsUnicast = 0x8847,
  kMplsMulticast = 0x8848,
  kPppoeSession = 0x8864,
  kPpp = 0x880b,
  kQinq = 0x88a8,
  kQinqOld = 0x9100,
};

bool is_known(uint16_t ethertype) noexcept {
  switch (ethertype) {
    case kIpv4:
    case kIpv6:
    case kVlan:
    case kQinq:
    case kQinqOld:
    case kMplsUnicast:
    case kMplsMulticast:
    case kPppoeSession:
      return true;
    default:
      return false;
  }
}

}  // namespace

Layer HeaderWalk::link(LinkType type) noexcept {
  switch (type) {
    case LinkType::ethernet:
      return Layer::ethernet;
    case LinkType::linux_sll:
      return behind_ethertype_at(16, 14);
    case LinkType::linux_sll2:
      return behind_ethertype_at(20, 0);
    case LinkType::raw:
    case LinkType::raw_bsd:
    case LinkType::ipv4:
    case LinkType::ipv6:
      return Layer::ip;
    case LinkType::null:
    case LinkType::loop:
      return behind_family();
    case LinkType::ppp:
      return Layer::ppp;
  }
  return end(Drop::packet_not_ip);
}

Layer HeaderWalk::behind_ethertype_at(size_t header, size_t at) noexcept {
  if (rest.have < header) return cut();
  ethertype = load_be16(rest.at + at);
  rest.skip(header);
  return Layer::ethertype;
}

Layer HeaderWalk::ethernet() noexcept {
  constexpr size_t kHeader = 14;
  constexpr uint16_t kLongestLength = 1500;
  if (rest.have < kHeader) return cut();
  ethertype = load_be16(rest.at + 12);
  rest.skip(kHeader);
  if (ethertype > kLongestLength) return Layer::ethertype;
  // IEEE 802.3 with a length: an ethertype behind LLC and SNAP (RFC 1042), or no IP.
  constexpr size_t kSnap = 8;
  if (rest.have < kSnap) return lacks(kSnap, Drop::packet_not_ip);
  if (load_be32(rest.at) != 0xaaaa0300U || load_be16(rest.at + 4) != 0) return end(Drop::packet_not_ip);
  rest.end_at(ethertype);
  if (rest.have < kSnap) return end(Drop::packet_not_ip);
  ethertype = load_be16(rest.at + 6);
  rest.skip(kSnap);
  return Layer::ethertype;
}

Layer HeaderWalk::after_ethertype() noexcept {
  switch (ethertype) {
    case kIpv4:
      return Layer::ipv4;
    case kIpv6:
      return Layer::ipv6;
    case kVlan:
    case kQinq:
    case kQinqOld:
      if (tags++ == kMaxTags) return end(Drop::tunnel_too_deep);
      if (rest.have < 4) return cut();
      add_vlan(load_be16(rest.at));
      ethertype = load_be16(rest.at + 2);
      rest.skip(4);
      return Layer::ethertype;
    case kMplsUnicast:
    case kMplsMulticast:
      return Layer::mpls;
    case kTransparentEthernet:
      return Layer::ethernet;
    case kPpp:
      return Layer::ppp;
    case kPppoeSession: {
      // RFC 2516: version, type, code, session, length. The length leaves out what Ethernet filled up.
      constexpr size_t kHeader = 6;
      if (rest.have < kHeader) return cut();
      const size_t len = load_be16(rest.at + 4);
      rest.skip(kHeader);
      rest.end_at(len);
      return Layer::ppp;
    }
    default:
      return end(Drop::packet_not_ip);
  }
}

// RFC 3032. What is labelled says nothing of its kind: IP by its version, and Ethernet as a pseudowire, with
// (RFC 4385) or without a control word, which begins as a MAC address may.
Layer HeaderWalk::mpls() noexcept {
  for (bool bottom = false; !bottom; rest.skip(4)) {
    if (tags++ == kMaxTags) return end(Drop::tunnel_too_deep);
    if (rest.have < 4) return cut();
    bottom = (rest.at[2] & 1U) != 0;
  }
  if (rest.have == 0) return cut();
  const unsigned version = rest.at[0] >> 4U;
  if (version == 4 || version == 6) return Layer::ip;
  if (version == 0) {
    constexpr size_t kControlWord = 4;
    constexpr size_t kEthertypeAt = 12;
    if (rest.have < kControlWord + kEthertypeAt + 2) return cut();
    if (is_known(load_be16(rest.at + kControlWord + kEthertypeAt))) rest.skip(kControlWord);
  }
  return Layer::ethernet;
}

// AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30 after the system that captured.
Layer HeaderWalk::behind_family() noexcept {
  if (rest.have < 4) return cut();
  uint32_t family = load_be32(rest.at);
  if (family > 0xffff) family = __builtin_bswap32(family);
  rest.skip(4);
  if (family == 2) return Layer::ipv4;
  if (family == 10 || family == 24 || family == 28 || family == 30) return Layer::ipv6;
  return end(Drop::packet_not_ip);
}

// RFC 1661 and 1662: address and control may be left out, and a protocol's leading zero byte.
Layer HeaderWalk::ppp() noexcept {
  if (rest.have >= 2 && rest.at[0] == 0xff && rest.at[1] == 0x03) rest.skip(2);
  if (rest.have < 2) return cut();
  const bool compressed = (rest.at[0] & 1U) != 0;
  const uint16_t number = compressed ? rest.at[0] : load_be16(rest.at);
  rest.skip(compressed ? 1 : 2);
  switch (number) {
    case 0x0021:
      return Layer::ipv4;
    case 0x0057:
      return Layer::ipv6;
    case 0x0281:
      return Layer::mpls;
    default:
      return end(Drop::packet_not_ip);
  }
}

}  // namespace weir
