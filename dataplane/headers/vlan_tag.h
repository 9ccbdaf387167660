// A packet as a capture file has it: with the VLAN tag that the kernel or the NIC took off in its place.
// Ingest lcore; hot path.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet_headers.h"

namespace weir {

// The same packet where there is no tag to put back; else its copy in `buffer`, which grows to the longest
// and must outlive what is made of the copy. wire_len counts the tag.
[[nodiscard]] Packet with_tag(const Packet& packet, std::vector<uint8_t>& buffer);

}  // namespace weir
