// Which of several AF_PACKET rings takes a packet: by its two addresses, the same for both directions and for
// all fragments of a datagram, which the kernel's own hash takes apart (the first has ports, the others not).
#pragma once

#include <linux/filter.h>

#include <vector>

namespace weir {

// A classic BPF program for PACKET_FANOUT_CBPF, which takes its value modulo the number of rings. Sees
// through one VLAN tag beside that which the kernel takes off; all that is not IP has one value.
std::vector<sock_filter> address_fanout();

}  // namespace weir
