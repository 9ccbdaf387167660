// HeaderWalk: the state of a walk from header to header, and the layers that it goes through. Each function
// reads one header at `rest` and says which layer follows. Ingest lcore; hot path.
#pragma once

#include "core/dns/wire_reader.h"
#include "dataplane/packet_headers.h"

namespace weir {

enum class Layer : uint8_t { ethernet, ethertype, mpls, ppp, ip, ipv4, ipv6, ip_payload, ended };

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

struct HeaderWalk {
  HeaderWalk(const HeaderOptions& told, Rest bytes, Carried& to) noexcept
      : options(told), out(to), rest(bytes) {}

  // Until it ends.
  std::optional<Drop> run(Layer layer) noexcept;

  Layer end(Drop why) noexcept {
    drop = why;
    return Layer::ended;
  }
  // A header that is not all there; `needed` is more than rest.have.
  Layer cut() noexcept { return end(Drop::packet_cut); }
  // The same, of a header that may be too long for what was sent, too.
  Layer lacks(size_t needed, Drop too_long) noexcept { return rest.wire < needed ? end(too_long) : cut(); }
  // The packet is in a tunnel; of several the outermost is told.
  bool enter(Tunnel tunnel, uint32_t id) noexcept;
  void add_vlan(unsigned tag) noexcept {
    if (out.info.vlan_count < PacketInfo::kMaxVlans)
      out.info.vlans[out.info.vlan_count++] = static_cast<uint16_t>(tag & 0x0fffU);
  }

  // Link headers (link_headers.cpp).
  Layer link(LinkType type) noexcept;
  Layer ethernet() noexcept;
  Layer after_ethertype() noexcept;
  Layer mpls() noexcept;
  Layer ppp() noexcept;
  // IP (ip_headers.cpp).
  Layer ip() noexcept;
  Layer ipv4() noexcept;
  Layer ipv6() noexcept;
  Layer ip_payload() noexcept;
  // Tunnels (tunnel_headers.cpp). udp_tunnel: `rest` begins behind the UDP header.
  Layer ip_in_ip(Layer inner) noexcept;
  Layer gre() noexcept;
  Layer udp_tunnel(uint16_t port) noexcept;
  static bool is_udp_tunnel(uint16_t port) noexcept;

  const HeaderOptions& options;
  Carried& out;
  Rest rest;
  std::optional<Drop> drop;
  uint16_t ethertype = 0;  // for Layer::ethertype: `rest` begins behind it
  uint8_t protocol = 0;    // for Layer::ip_payload
  unsigned tags = 0;
  unsigned tunnels = 0;

 private:
  Layer behind_family() noexcept;
  Layer behind_ethertype_at(size_t header, size_t at) noexcept;
  Layer extensions(uint8_t next) noexcept;
  Layer fragment(uint8_t of, uint32_t id, unsigned offset, bool more) noexcept;
  Layer udp() noexcept;
  Layer tcp() noexcept;
  Layer found(Carried::Kind kind, size_t header, size_t len) noexcept;
  Layer erspan(unsigned type) noexcept;
  Layer vxlan() noexcept;
  Layer geneve() noexcept;
  Layer tzsp() noexcept;
};

}  // namespace weir
