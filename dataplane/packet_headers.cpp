#include "dataplane/packet_headers.h"

#include <rte_hash_crc.h>

#include <cstring>

namespace weir {
namespace {

constexpr unsigned kMaxTags = 4;
constexpr unsigned kMaxExtensions = 8;
constexpr size_t kUdpHeader = 8;
constexpr size_t kTcpPorts = 4;

enum EtherType : uint16_t {
  kIpv4 = 0x0800,
  kIpv6 = 0x86dd,
  kVlan = 0x8100,
  kQinq = 0x88a8,
  kQinqOld = 0x9100,
};

enum Protocol : uint8_t {
  kHopByHop = 0,
  kTcp = 6,
  kUdp = 17,
  kRouting = 43,
  kFragment = 44,
  kDestination = 60,
};

uint16_t u16(const uint8_t* p) noexcept { return static_cast<uint16_t>(p[0] << 8U | p[1]); }
uint32_t u32(const uint8_t* p) noexcept {
  return static_cast<uint32_t>(p[0]) << 24U | static_cast<uint32_t>(p[1]) << 16U |
         static_cast<uint32_t>(p[2]) << 8U | p[3];
}

// What is left of the packet: `have` bytes captured of `wire`.
struct Rest {
  const uint8_t* at;
  size_t have;
  size_t wire;

  void skip(size_t n) noexcept {  // n <= have
    at += n;
    have -= n;
    wire -= n;
  }
  // Bytes past `len` are padding (RFC 894: a frame of less than 46 bytes is filled up).
  void end_at(size_t len) noexcept {
    wire = std::min(wire, len);
    have = std::min(have, len);
  }
};

using End = std::optional<Drop>;

End find_udp(Rest rest, size_t ip_payload, uint8_t protocol, const DnsPorts& ports, Datagram& out) noexcept {
  if (protocol == kTcp) {
    if (rest.have < kTcpPorts) return Drop::packet_cut;
    return ports.has(u16(rest.at), u16(rest.at + 2)) ? Drop::packet_tcp : Drop::packet_other_port;
  }
  if (protocol != kUdp) return Drop::packet_not_udp;
  if (ip_payload < kUdpHeader) return Drop::packet_bad_udp;
  if (rest.have < kUdpHeader) return Drop::packet_cut;
  const uint16_t src_port = u16(rest.at);
  const uint16_t dst_port = u16(rest.at + 2);
  size_t udp_len = u16(rest.at + 4);
  if (!ports.has(src_port, dst_port)) return Drop::packet_other_port;
  if (udp_len == 0) udp_len = ip_payload;  // segmentation offload, and RFC 2675 section 4
  if (udp_len < kUdpHeader || udp_len > ip_payload) return Drop::packet_bad_udp;
  out.src.port = src_port;
  out.dst.port = dst_port;
  out.src.has_port = out.dst.has_port = true;
  out.payload = {rest.at + kUdpHeader, std::min(rest.have, udp_len) - kUdpHeader};
  out.wire_len = static_cast<uint32_t>(udp_len - kUdpHeader);
  out.flow = flow_hash(out.src, out.dst);
  return std::nullopt;
}

End find_in_ipv4(Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  constexpr size_t kHeader = 20;
  if (rest.have < kHeader) return Drop::packet_cut;
  if (rest.at[0] >> 4U != 4) return Drop::packet_bad_ip;
  const size_t header = static_cast<size_t>(rest.at[0] & 0x0fU) * 4;
  size_t total = u16(rest.at + 2);
  if (total == 0) total = rest.wire;  // segmentation offload: captured before the NIC filled it in
  if (header < kHeader || total < header) return Drop::packet_bad_ip;
  if (rest.have < header) return Drop::packet_cut;
  constexpr uint16_t kMoreOrOffset = 0x3fff;
  if ((u16(rest.at + 6) & kMoreOrOffset) != 0) return Drop::packet_fragment;
  out.src.addr = IpAddr::v4(rest.at + 12);
  out.dst.addr = IpAddr::v4(rest.at + 16);
  const uint8_t protocol = rest.at[9];
  rest.end_at(total);
  rest.skip(header);
  return find_udp(rest, total - header, protocol, ports, out);
}

End find_in_ipv6(Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  constexpr size_t kHeader = 40;
  if (rest.have < kHeader) return Drop::packet_cut;
  if (rest.at[0] >> 4U != 6) return Drop::packet_bad_ip;
  uint8_t next = rest.at[6];
  out.src.addr = IpAddr::v6(rest.at + 8);
  out.dst.addr = IpAddr::v6(rest.at + 24);
  size_t left = u16(rest.at + 4);
  rest.skip(kHeader);
  if (left == 0) left = rest.wire;  // jumbogram (RFC 2675) or segmentation offload
  rest.end_at(left);
  for (unsigned i = 0; i < kMaxExtensions; ++i) {
    if (next != kHopByHop && next != kRouting && next != kDestination && next != kFragment)
      return find_udp(rest, left, next, ports, out);
    if (left < 8) return Drop::packet_bad_ip;
    if (rest.have < 8) return Drop::packet_cut;
    size_t header = 8;
    if (next == kFragment) {
      // RFC 6946: an atomic fragment (offset 0, no more) is a whole packet.
      constexpr uint16_t kOffsetOrMore = 0xfff9;
      if ((u16(rest.at + 2) & kOffsetOrMore) != 0) return Drop::packet_fragment;
    } else {
      header = (size_t{rest.at[1]} + 1) * 8;
    }
    if (left < header) return Drop::packet_bad_ip;
    if (rest.have < header) return Drop::packet_cut;
    next = rest.at[0];
    rest.skip(header);
    left -= header;
  }
  return Drop::packet_bad_ip;
}

// By the version nibble, for links that say no more.
End find_in_ip(Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  if (rest.have == 0) return Drop::packet_cut;
  const unsigned version = rest.at[0] >> 4U;
  if (version == 4) return find_in_ipv4(rest, ports, out);
  if (version == 6) return find_in_ipv6(rest, ports, out);
  return Drop::packet_not_ip;
}

// `rest` begins behind the ethertype.
End find_in_ethertype(uint16_t type, Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  for (unsigned tags = 0; type == kVlan || type == kQinq || type == kQinqOld; ++tags) {
    if (tags == kMaxTags) return Drop::packet_not_ip;
    if (rest.have < 4) return Drop::packet_cut;
    type = u16(rest.at + 2);
    rest.skip(4);
  }
  if (type == kIpv4) return find_in_ipv4(rest, ports, out);
  if (type == kIpv6) return find_in_ipv6(rest, ports, out);
  return Drop::packet_not_ip;
}

// A link header of fixed length with an ethertype in it.
End find_behind(size_t header, size_t ethertype_at, Rest rest, const DnsPorts& ports,
                Datagram& out) noexcept {
  if (rest.have < header) return Drop::packet_cut;
  const uint16_t type = u16(rest.at + ethertype_at);
  rest.skip(header);
  return find_in_ethertype(type, rest, ports, out);
}

// AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30 after the system that captured.
End find_behind_family(Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  if (rest.have < 4) return Drop::packet_cut;
  uint32_t family = u32(rest.at);
  if (family > 0xffff) family = __builtin_bswap32(family);
  rest.skip(4);
  if (family == 2) return find_in_ipv4(rest, ports, out);
  if (family == 10 || family == 24 || family == 28 || family == 30) return find_in_ipv6(rest, ports, out);
  return Drop::packet_not_ip;
}

// RFC 1661 and 1662: address and control may be left out, and a protocol's leading zero byte.
End find_behind_ppp(Rest rest, const DnsPorts& ports, Datagram& out) noexcept {
  if (rest.have >= 2 && rest.at[0] == 0xff && rest.at[1] == 0x03) rest.skip(2);
  if (rest.have < 2) return Drop::packet_cut;
  const bool compressed = (rest.at[0] & 1U) != 0;
  const uint16_t protocol = compressed ? rest.at[0] : u16(rest.at);
  rest.skip(compressed ? 1 : 2);
  if (protocol == 0x0021) return find_in_ipv4(rest, ports, out);
  if (protocol == 0x0057) return find_in_ipv6(rest, ports, out);
  return Drop::packet_not_ip;
}

}  // namespace

std::optional<Drop> find_datagram(const Packet& packet, const DnsPorts& ports, Datagram& out) noexcept {
  const Rest rest{packet.bytes.data(), packet.bytes.size(),
                  std::max<size_t>(packet.wire_len, packet.bytes.size())};
  switch (packet.link) {
    case LinkType::ethernet:
      return find_behind(14, 12, rest, ports, out);
    case LinkType::linux_sll:
      return find_behind(16, 14, rest, ports, out);
    case LinkType::linux_sll2:
      return find_behind(20, 0, rest, ports, out);
    case LinkType::raw:
    case LinkType::raw_bsd:
    case LinkType::ipv4:
    case LinkType::ipv6:
      return find_in_ip(rest, ports, out);
    case LinkType::null:
    case LinkType::loop:
      return find_behind_family(rest, ports, out);
    case LinkType::ppp:
      return find_behind_ppp(rest, ports, out);
  }
  return Drop::packet_not_ip;
}

uint32_t flow_hash(const Endpoint& a, const Endpoint& b) noexcept {
  const bool in_order = a < b;
  const Endpoint& low = in_order ? a : b;
  const Endpoint& high = in_order ? b : a;
  uint32_t hash = rte_hash_crc_4byte(low.port << 16U | high.port, 0);
  const size_t words = low.addr.len <= 4 && high.addr.len <= 4 ? 1 : 4;
  for (const IpAddr* addr : {&low.addr, &high.addr}) {
    for (size_t i = 0; i < words; ++i) {
      uint32_t word = 0;
      std::memcpy(&word, addr->bytes.data() + i * 4, 4);
      hash = rte_hash_crc_4byte(word, hash);
    }
  }
  return hash;
}

}  // namespace weir
