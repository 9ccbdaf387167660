// Packets around DNS messages: Ethernet, VLAN tag, IPv4 or IPv6, UDP with checksums. Used by the packet load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/addr.h"

namespace weir {

// Appends the packet. vlan 0: no tag. from and to are of one family.
void append_udp_packet(std::string& out, const Endpoint& from, const Endpoint& to, unsigned vlan,
                       uint16_t ip_id, std::string_view payload);

}  // namespace weir
