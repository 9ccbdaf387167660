// Packets around DNS messages: Ethernet, VLAN tag, IPv4 or IPv6, whole or in fragments, UDP or TCP, with
// checksums. Used by the packet load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"

namespace weir {

struct PacketPath {
  Endpoint from;  // of one family with `to`
  Endpoint to;
  unsigned vlan = 0;  // 0: no tag
};

// Appends the packet.
void append_udp_packet(std::string& out, const PacketPath& path, uint16_t ip_id, std::string_view payload);

struct TcpSegment {
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;  // RFC 9293 section 3.1
};
constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpPush = 0x08, kTcpAck = 0x10;
void append_tcp_packet(std::string& out, const PacketPath& path, uint16_t ip_id, const TcpSegment& segment,
                       std::string_view payload);

// A UDP datagram in fragments of at most `mtu` bytes of IP each, one packet an element; one if it fits.
// Precondition: mtu >= 68.
std::vector<std::string> udp_fragments(const PacketPath& path, uint32_t ip_id, std::string_view payload,
                                       unsigned mtu);

}  // namespace weir
