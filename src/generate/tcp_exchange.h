// A transaction over a TCP connection of its own, as a tap sees it: handshake, query, response in segments of
// an Ethernet's size, and the end. Used by the packet load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/generate/packet_builder.h"
#include "src/generate/traffic.h"

namespace weir {

struct TimedPacket {
  uint64_t after_ns = 0;  // since the query was asked
  std::string bytes;
};

constexpr size_t kSegmentBytes = 1460;

// As a message stands in a stream (RFC 1035 section 4.2.2).
std::string with_length(std::string_view message);

// In time order. `number` makes the connection's sequence numbers.
std::vector<TimedPacket> tcp_exchange(const Transaction& transaction, unsigned vlan, uint64_t number);

}  // namespace weir
