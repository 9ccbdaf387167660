// What a mirror input needs of EAL: a pure function of its options, so that the plan can be made and printed
// without starting anything. Called by src/plan (to build EAL's arguments) and by open_mirror() (to find the
// port again by its name).
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/input_options.h"

namespace weir {

// At most one of vdev and pci is set; both are empty for an interface read through AF_PACKET, which needs no
// port of DPDK's (docs/decisions/0005).
struct MirrorEal {
  std::string vdev;    // argument of --vdev
  std::string pci;     // argument of -a
  std::string device;  // DPDK's name of the port's device
  [[nodiscard]] bool is_port() const { return !device.empty(); }
};

// nth: the number of this input among the mirror inputs; it numbers vdevs that the configuration names
// without a number, so that two of them do not clash ("net_null" becomes "net_null0").
MirrorEal eal_arguments(const MirrorOptions& options, unsigned nth);

// An lcore keeps so many mbufs at hand; DPDK takes no pool of less than half as many again.
constexpr uint32_t kMbufCache = 256;
// The smallest `mbufs:` with which a port has some left when its descriptors are filled.
uint32_t least_mbufs(uint32_t rx_descriptors);

// Bytes of EAL memory that the input's mbuf pools take; 0 for AF_PACKET. Without hugepages each mbuf has a
// page of its own, since none may lie across two.
uint64_t mbuf_bytes(const MirrorOptions& options, bool hugepages);
// Bytes of kernel memory that the input's AF_PACKET rings take, as many as its mbufs would hold; 0 for a port
// of DPDK's.
uint64_t packet_ring_bytes(const MirrorOptions& options);

}  // namespace weir
