// IPv4, IPv6 with its extension headers, UDP and TCP.
#include "dataplane/headers/checksum.h"
#include "dataplane/headers/header_walk.h"

namespace weir {
namespace {

constexpr unsigned kMaxExtensions = 8;
constexpr size_t kUdpHeader = 8;
constexpr size_t kTcpHeader = 20;
constexpr size_t kPorts = 4;  // where both of UDP and TCP begin

enum Protocol : uint8_t {
  kHopByHop = 0,
  kIpv4InIp = 4,
  kTcp = 6,
  kUdp = 17,
  kIpv6InIp = 41,
  kRouting = 43,
  kFragment = 44,
  kGre = 47,
  kAuthentication = 51,
  kDestination = 60,
};

bool is_extension(uint8_t protocol) noexcept {
  return protocol == kHopByHop || protocol == kRouting || protocol == kDestination || protocol == kFragment ||
         protocol == kAuthentication;
}

}  // namespace

// By the version nibble, for links that say no more.
Layer HeaderWalk::ip() noexcept {
  if (rest.have == 0) return cut();
  const unsigned version = rest.at[0] >> 4U;
  if (version == 4) return Layer::ipv4;
  if (version == 6) return Layer::ipv6;
  return end(Drop::packet_not_ip);
}

Layer HeaderWalk::ipv4() noexcept {
  constexpr size_t kHeader = 20;
  if (rest.have < kHeader) return cut();
  if (rest.at[0] >> 4U != 4) return end(Drop::packet_bad_ip);
  const size_t header = static_cast<size_t>(rest.at[0] & 0x0fU) * 4;
  size_t total = load_be16(rest.at + 2);
  if (total == 0) total = rest.wire;  // segmentation offload: captured before the NIC filled it in
  if (header < kHeader || total < header) return end(Drop::packet_bad_ip);
  if (rest.have < header) return cut();
  if (options.verify_checksums && internet_checksum({rest.at, header}) != 0)
    return end(Drop::packet_bad_checksum);
  out.src.addr = IpAddr::v4(rest.at + 12);
  out.dst.addr = IpAddr::v4(rest.at + 16);
  protocol = rest.at[9];
  const uint32_t id = load_be16(rest.at + 4);
  const unsigned fragment_bits = load_be16(rest.at + 6);
  rest.wire = std::max(rest.wire, total);  // a capture that does not tell that it was cut
  rest.end_at(total);
  rest.skip(header);
  constexpr unsigned kMore = 0x2000;
  constexpr unsigned kOffset = 0x1fff;
  if ((fragment_bits & (kMore | kOffset)) != 0)
    return fragment(protocol, id, (fragment_bits & kOffset) * 8, (fragment_bits & kMore) != 0);
  return Layer::ip_payload;
}

Layer HeaderWalk::ipv6() noexcept {
  constexpr size_t kHeader = 40;
  if (rest.have < kHeader) return cut();
  if (rest.at[0] >> 4U != 6) return end(Drop::packet_bad_ip);
  const uint8_t next = rest.at[6];
  out.src.addr = IpAddr::v6(rest.at + 8);
  out.dst.addr = IpAddr::v6(rest.at + 24);
  const size_t len = load_be16(rest.at + 4);
  rest.skip(kHeader);
  if (len != 0) {  // 0: jumbogram (RFC 2675) or segmentation offload
    rest.wire = std::max(rest.wire, len);
    rest.end_at(len);
  }
  if (!is_extension(next)) {
    protocol = next;
    return Layer::ip_payload;
  }
  return extensions(next);
}

Layer HeaderWalk::extensions(uint8_t next) noexcept {
  for (unsigned i = 0; i < kMaxExtensions; ++i) {
    if (rest.wire < 8) return end(Drop::packet_bad_ip);
    if (rest.have < 8) return cut();
    const uint8_t kind = next;
    size_t header = 8;
    next = rest.at[0];
    if (kind == kAuthentication) {
      header = (size_t{rest.at[1]} + 2) * 4;  // RFC 4302
    } else if (kind != kFragment) {
      header = (size_t{rest.at[1]} + 1) * 8;
    }
    if (rest.wire < header) return end(Drop::packet_bad_ip);
    if (rest.have < header) return cut();
    const unsigned fragment_bits = kind == kFragment ? load_be16(rest.at + 2) : 0;
    const uint32_t id = load_be32(rest.at + 4);
    rest.skip(header);
    constexpr unsigned kMore = 1;
    constexpr unsigned kOffset = 0xfff8;
    // RFC 6946: an atomic fragment (offset 0, no more) is a whole packet.
    if ((fragment_bits & (kMore | kOffset)) != 0)
      return fragment(next, id, fragment_bits & kOffset, (fragment_bits & kMore) != 0);
    if (!is_extension(next)) {
      protocol = next;
      return Layer::ip_payload;
    }
  }
  return end(Drop::packet_bad_ip);
}

Layer HeaderWalk::fragment(uint8_t of, uint32_t id, unsigned offset, bool more) noexcept {
  out.kind = Carried::Kind::fragment;
  out.fragment = {.id = id, .offset = static_cast<uint16_t>(offset), .protocol = of, .more = more};
  out.payload = {rest.at, rest.have};
  out.wire_len = static_cast<uint32_t>(rest.wire);
  return Layer::ended;
}

Layer HeaderWalk::ip_payload() noexcept {
  switch (protocol) {
    case kUdp:
      return udp();
    case kTcp:
      return tcp();
    case kIpv4InIp:
      return ip_in_ip(Layer::ipv4);
    case kIpv6InIp:
      return ip_in_ip(Layer::ipv6);
    case kGre:
      return gre();
    case kHopByHop:  // of a datagram of fragments: extension headers that stand in its first
    case kRouting:
    case kDestination:
    case kFragment:
    case kAuthentication:
      if (out.src.addr.len == 16) return extensions(protocol);
      return end(Drop::packet_not_udp);
    default:
      return end(Drop::packet_not_udp);
  }
}

Layer HeaderWalk::udp() noexcept {
  if (rest.wire < kUdpHeader) return end(Drop::packet_bad_udp);
  if (rest.have < kUdpHeader) return cut();
  const uint16_t src_port = load_be16(rest.at);
  const uint16_t dst_port = load_be16(rest.at + 2);
  size_t len = load_be16(rest.at + 4);
  const bool dns = options.ports.has(src_port, dst_port);
  if (!dns && !is_udp_tunnel(dst_port)) return end(Drop::packet_other_port);
  if (len == 0) len = rest.wire;  // segmentation offload, and RFC 2675 section 4
  if (len < kUdpHeader || len > rest.wire) return end(Drop::packet_bad_udp);
  if (!dns) {
    rest.end_at(len);
    rest.skip(kUdpHeader);
    return udp_tunnel(dst_port);
  }
  constexpr size_t kChecksum = 6;
  if (options.verify_checksums && load_be16(rest.at + kChecksum) != 0 && rest.have >= len &&
      transport_checksum(out.src.addr, out.dst.addr, kUdp, {rest.at, len}) != 0)
    return end(Drop::packet_bad_checksum);
  out.src.port = src_port;
  out.dst.port = dst_port;
  return found(Carried::Kind::datagram, kUdpHeader, len);
}

Layer HeaderWalk::tcp() noexcept {
  if (rest.have < kPorts) return lacks(kPorts, Drop::packet_bad_tcp);
  const uint16_t src_port = load_be16(rest.at);
  const uint16_t dst_port = load_be16(rest.at + 2);
  if (!options.ports.has(src_port, dst_port)) return end(Drop::packet_other_port);
  if (rest.wire < kTcpHeader) return end(Drop::packet_bad_tcp);
  if (rest.have < kTcpHeader) return cut();
  const size_t header = static_cast<size_t>(rest.at[12] >> 4U) * 4;
  if (header < kTcpHeader || header > rest.wire) return end(Drop::packet_bad_tcp);
  if (rest.have < header) return cut();
  if (options.verify_checksums && rest.have >= rest.wire &&
      transport_checksum(out.src.addr, out.dst.addr, kTcp, {rest.at, rest.wire}) != 0)
    return end(Drop::packet_bad_checksum);
  out.src.port = src_port;
  out.dst.port = dst_port;
  out.tcp = {.seq = load_be32(rest.at + 4), .ack = load_be32(rest.at + 8), .flags = rest.at[13]};
  return found(Carried::Kind::segment, header, rest.wire);
}

Layer HeaderWalk::found(Carried::Kind kind, size_t header, size_t len) noexcept {
  out.kind = kind;
  out.src.has_port = out.dst.has_port = true;
  out.payload = {rest.at + header, std::min(rest.have, len) - header};
  out.wire_len = static_cast<uint32_t>(len - header);
  out.flow = flow_hash(out.src, out.dst);
  return Layer::ended;
}

std::optional<Drop> refuse_datagram(uint8_t protocol, std::span<const uint8_t> head,
                                    const HeaderOptions& options) noexcept {
  if (protocol == kUdp || protocol == kTcp) {
    if (head.size() < kPorts) return std::nullopt;
    const uint16_t src_port = load_be16(head.data());
    const uint16_t dst_port = load_be16(head.data() + 2);
    if (options.ports.has(src_port, dst_port)) return std::nullopt;
    if (protocol == kUdp && HeaderWalk::is_udp_tunnel(dst_port)) return std::nullopt;
    return Drop::packet_other_port;
  }
  if (protocol == kIpv4InIp || protocol == kIpv6InIp || protocol == kGre || is_extension(protocol))
    return std::nullopt;
  return Drop::packet_not_udp;
}

}  // namespace weir
