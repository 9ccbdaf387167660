#include "dataplane/packet_headers.h"

#include <rte_hash_crc.h>

#include <cstring>

#include "dataplane/headers/header_walk.h"

namespace weir {

std::optional<Drop> HeaderWalk::run(Layer layer) noexcept {
  while (layer != Layer::ended) {
    switch (layer) {
      case Layer::ethernet:
        layer = ethernet();
        break;
      case Layer::ethertype:
        layer = after_ethertype();
        break;
      case Layer::mpls:
        layer = mpls();
        break;
      case Layer::ppp:
        layer = ppp();
        break;
      case Layer::ip:
        layer = ip();
        break;
      case Layer::ipv4:
        layer = ipv4();
        break;
      case Layer::ipv6:
        layer = ipv6();
        break;
      case Layer::ip_payload:
        layer = ip_payload();
        break;
      case Layer::ended:
        break;
    }
  }
  return drop;
}

std::optional<Drop> walk_headers(const Packet& packet, const HeaderOptions& options, Carried& out) noexcept {
  out.info = {};
  HeaderWalk walk(options,
                  {.at = packet.bytes.data(),
                   .have = packet.bytes.size(),
                   .wire = std::max<size_t>(packet.wire_len, packet.bytes.size())},
                  out);
  if (packet.vlan) walk.add_vlan(*packet.vlan);
  return walk.run(walk.link(packet.link));
}

std::optional<Drop> walk_datagram(std::span<const uint8_t> payload, uint32_t wire_len,
                                  const HeaderOptions& options, Carried& out) noexcept {
  HeaderWalk walk(options, {.at = payload.data(), .have = payload.size(), .wire = wire_len}, out);
  walk.protocol = out.fragment.protocol;
  return walk.run(Layer::ip_payload);
}

namespace {

// a < b, without the calls that the defaulted <=> makes where the addresses differ, as nearly all do.
bool in_order(const Endpoint& a, const Endpoint& b) noexcept {
  for (const size_t half : {size_t{0}, sizeof(uint64_t)}) {
    uint64_t words[2];
    std::memcpy(&words[0], a.addr.bytes.data() + half, sizeof words[0]);
    std::memcpy(&words[1], b.addr.bytes.data() + half, sizeof words[1]);
    if (words[0] != words[1]) return __builtin_bswap64(words[0]) < __builtin_bswap64(words[1]);
  }
  return a < b;
}

}  // namespace

uint32_t flow_hash(const Endpoint& a, const Endpoint& b) noexcept {
  const bool ordered = in_order(a, b);
  const Endpoint& low = ordered ? a : b;
  const Endpoint& high = ordered ? b : a;
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
