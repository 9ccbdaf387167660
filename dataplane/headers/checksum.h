// The Internet checksum (RFC 1071), and that of UDP and TCP with the pseudo header (RFC 9293 section 3.1, RFC
// 8200 section 8.1). 0: right. Pure; any lcore.
#pragma once

#include <cstdint>
#include <span>

#include "core/addr.h"

namespace weir {

uint16_t internet_checksum(std::span<const uint8_t> bytes) noexcept;
uint16_t transport_checksum(const IpAddr& src, const IpAddr& dst, uint8_t protocol,
                            std::span<const uint8_t> datagram) noexcept;

}  // namespace weir
