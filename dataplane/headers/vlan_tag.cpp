#include "dataplane/headers/vlan_tag.h"

#include <cstring>

namespace weir {

Packet with_tag(const Packet& packet, std::vector<uint8_t>& buffer) {
  constexpr size_t kAddresses = 12;
  constexpr size_t kTag = 4;
  const size_t len = packet.bytes.size();
  if (!packet.vlan || packet.link != LinkType::ethernet || len < kAddresses) return packet;
  if (buffer.size() < len + kTag) buffer.resize(len + kTag);
  uint8_t* to = buffer.data();
  std::memcpy(to, packet.bytes.data(), kAddresses);
  to[kAddresses] = static_cast<uint8_t>(packet.vlan_type >> 8U);
  to[kAddresses + 1] = static_cast<uint8_t>(packet.vlan_type);
  to[kAddresses + 2] = static_cast<uint8_t>(*packet.vlan >> 8U);
  to[kAddresses + 3] = static_cast<uint8_t>(*packet.vlan);
  std::memcpy(to + kAddresses + kTag, packet.bytes.data() + kAddresses, len - kAddresses);
  return {.bytes = {to, len + kTag}, .wire_len = packet.wire_len + uint32_t{kTag}, .link = packet.link};
}

}  // namespace weir
