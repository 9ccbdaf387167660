// The tunnels that switches and hosts send mirrored packets through.
#include "dataplane/headers/header_walk.h"

namespace weir {
namespace {

constexpr unsigned kMaxTunnels = 4;

enum UdpTunnel : uint16_t {
  kVxlan = 4789,
  kVxlanLinux = 8472,  // Linux's default from before the IANA number
  kGeneve = 6081,
  kTzsp = 37008,
};

enum GreFlags : uint16_t {
  kChecksum = 0x8000,
  kRouting = 0x4000,
  kKey = 0x2000,
  kSequence = 0x1000,
  kAcknowledgement = 0x0080,  // of version 1 (RFC 2637)
  kVersion = 0x0007,
};

constexpr uint16_t kErspan2 = 0x88be;  // type I, too: it has no sequence number and no header
constexpr uint16_t kErspan3 = 0x22eb;

}  // namespace

bool HeaderWalk::enter(Tunnel tunnel, uint32_t id) noexcept {
  if (tunnels++ == kMaxTunnels) {
    end(Drop::tunnel_too_deep);
    return false;
  }
  if (out.info.tunnel != Tunnel::none) return true;
  out.info.tunnel = tunnel;
  out.info.tunnel_id = id;
  out.info.outer_src = out.src.addr;
  out.info.outer_dst = out.dst.addr;
  return true;
}

Layer HeaderWalk::ip_in_ip(Layer inner) noexcept { return enter(Tunnel::ipip, 0) ? inner : Layer::ended; }

// RFC 2784 and RFC 2890; version 1 is PPTP's (RFC 2637).
Layer HeaderWalk::gre() noexcept {
  if (rest.have < 4) return lacks(4, Drop::packet_bad_ip);
  const unsigned flags = load_be16(rest.at);
  ethertype = load_be16(rest.at + 2);
  const unsigned version = flags & kVersion;
  // Source routes (RFC 1701) are of a length that only a walk tells, and no mirror sends them.
  if (version > 1 || (flags & kRouting) != 0) return end(Drop::packet_not_udp);
  const size_t key_at = (flags & kChecksum) != 0 ? 8 : 4;
  size_t header = key_at;
  header += (flags & kKey) != 0 ? 4 : 0;
  header += (flags & kSequence) != 0 ? 4 : 0;
  header += version == 1 && (flags & kAcknowledgement) != 0 ? 4 : 0;
  if (rest.have < header) return lacks(header, Drop::packet_bad_ip);
  const uint32_t key = (flags & kKey) != 0 ? load_be32(rest.at + key_at) : 0;
  rest.skip(header);
  if (version == 0 && ethertype == kErspan2) return erspan((flags & kSequence) != 0 ? 2 : 1);
  if (version == 0 && ethertype == kErspan3) return erspan(3);
  return enter(Tunnel::gre, key) ? Layer::ethertype : Layer::ended;
}

// draft-foschiano-erspan-03.
Layer HeaderWalk::erspan(unsigned type) noexcept {
  size_t header = type == 1 ? 0 : type == 2 ? 8 : 12;
  if (rest.have < header) return lacks(header, Drop::packet_bad_ip);
  const uint32_t session = type == 1 ? 0 : load_be16(rest.at + 2) & 0x03ffU;
  bool bare_ip = false;
  if (type == 3) {
    constexpr unsigned kPlatformHeader = 1;  // O: eight more bytes
    const unsigned last = load_be16(rest.at + 10);
    bare_ip = (last >> 10U & 0x1fU) == 2;  // frame type
    if ((last & kPlatformHeader) != 0) header += 8;
    if (rest.have < header) return lacks(header, Drop::packet_bad_ip);
  }
  rest.skip(header);
  if (!enter(Tunnel::erspan, session)) return Layer::ended;
  return bare_ip ? Layer::ip : Layer::ethernet;
}

bool HeaderWalk::is_udp_tunnel(uint16_t port) noexcept {
  return port == kVxlan || port == kVxlanLinux || port == kGeneve || port == kTzsp;
}

Layer HeaderWalk::udp_tunnel(uint16_t port) noexcept {
  if (port == kGeneve) return geneve();
  return port == kTzsp ? tzsp() : vxlan();
}

// RFC 7348. What is not what it should be is somebody's datagram on a port that happens to be the tunnel's.
Layer HeaderWalk::vxlan() noexcept {
  constexpr size_t kHeader = 8;
  constexpr uint8_t kHasVni = 0x08;
  if (rest.have < kHeader) return lacks(kHeader, Drop::packet_other_port);
  if ((rest.at[0] & kHasVni) == 0) return end(Drop::packet_other_port);
  const uint32_t vni = load_be32(rest.at + 4) >> 8U;
  rest.skip(kHeader);
  return enter(Tunnel::vxlan, vni) ? Layer::ethernet : Layer::ended;
}

// RFC 8926.
Layer HeaderWalk::geneve() noexcept {
  constexpr size_t kHeader = 8;
  if (rest.have < kHeader) return lacks(kHeader, Drop::packet_other_port);
  const size_t header = kHeader + static_cast<size_t>(rest.at[0] & 0x3fU) * 4;
  if (rest.at[0] >> 6U != 0) return end(Drop::packet_other_port);
  ethertype = load_be16(rest.at + 2);
  const uint32_t vni = load_be32(rest.at + 4) >> 8U;
  if (rest.have < header) return lacks(header, Drop::packet_other_port);
  rest.skip(header);
  return enter(Tunnel::geneve, vni) ? Layer::ethertype : Layer::ended;
}

// Version, type, protocol, then tagged fields: padding is one byte, the end is one byte, others have a
// length.
Layer HeaderWalk::tzsp() noexcept {
  constexpr size_t kHeader = 4;
  constexpr uint8_t kVersion1 = 1;
  constexpr uint8_t kReceived = 0;
  constexpr uint16_t kEthernet = 1;
  constexpr uint8_t kPadding = 0;
  constexpr uint8_t kEnd = 1;
  if (rest.have < kHeader) return lacks(kHeader, Drop::packet_other_port);
  if (rest.at[0] != kVersion1 || rest.at[1] != kReceived || load_be16(rest.at + 2) != kEthernet)
    return end(Drop::packet_other_port);
  rest.skip(kHeader);
  for (uint8_t tag = kPadding; tag != kEnd;) {
    if (rest.have < 1) return lacks(1, Drop::packet_other_port);
    tag = rest.at[0];
    size_t field = 1;
    if (tag != kPadding && tag != kEnd) {
      if (rest.have < 2) return lacks(2, Drop::packet_other_port);
      field = 2 + size_t{rest.at[1]};
    }
    if (rest.have < field) return lacks(field, Drop::packet_other_port);
    rest.skip(field);
  }
  return enter(Tunnel::tzsp, 0) ? Layer::ethernet : Layer::ended;
}

}  // namespace weir
