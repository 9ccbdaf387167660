#include "dataplane/mirror_eal.h"
#include "src/config/sections/key_rules.h"
#include "src/config/sections/sections.h"
#include "src/config/sections/shared_help.h"

namespace weir {
namespace {

constexpr ConfigKey kMirrorKeys[] = {
    {"port", of_type(KeyType::text), "",
     "PCI address (`0000:3b:00.0`) of a NIC that is bound to a DPDK driver, or a DPDK vdev "
     "(`net_pcap0,rx_pcap=/x.pcap`). Either this or `interface`.",
     store<&MirrorOptions::port>},
    {"interface", of_type(KeyType::text), "",
     "Interface whose packets the kernel copies to Weir (AF_PACKET; needs CAP_NET_RAW). Either this or "
     "`port`.",
     store<&MirrorOptions::interface>},
    {"name", of_type(KeyType::name), "mirror", kNameHelp, store<&MirrorOptions::name>},
    {"queues", integer(1, 1024), "1", "Receive queues; they are spread over the ingest lcores.",
     store<&MirrorOptions::queues>},
    {"mbufs", integer(256, 4'194'304), "8192", "Packet buffers a queue, 2.3 KiB each.",
     store<&MirrorOptions::mbufs>},
    {"rx_descriptors", integer(32, 32'768), "1024", "Packets that the NIC may hold for Weir, a queue.",
     store<&MirrorOptions::rx_descriptors>, false, "port"},
    {"mtu", integer(0, 65'535), "0",
     "Longest payload of an Ethernet frame that a port of DPDK's takes: tunnels (ERSPAN, VXLAN) and jumbo "
     "frames "
     "need more than the usual 1500, and what is too long is lost as nic_error. 0: as the driver has it.",
     store<&MirrorOptions::mtu>, false, "port"},
    {"timestamps", of_type(KeyType::boolean), "true",
     "Packets' times are those that the NIC puts on them, where it does; else, and with false, of the burst "
     "that "
     "they were read in.",
     store<&MirrorOptions::timestamps>, false, "port"},
    {"dns_ports", integers(1, 65'535), "[53]", kPortsHelp,
     store<&MirrorOptions::packets, &PacketOptions::dns_ports>},
    {"filter", of_type(KeyType::text), "", kFilterHelp,
     store<&MirrorOptions::packets, &PacketOptions::filter>},
    {"verify_checksums", of_type(KeyType::boolean), "false", kChecksumsHelp,
     store<&MirrorOptions::packets, &PacketOptions::verify_checksums>},
    {"overflow", choice(kOverflow), "drop",
     "When decode lcores are behind: `drop` counts the packet and goes on; `backpressure` leaves packets to "
     "the "
     "NIC or kernel, which drop when their own buffers are full.",
     store<&MirrorOptions::overflow>},
};

}  // namespace

const ConfigSection kMirrorSection = {
    "inputs", "mirror", "Packets from a switch or tap.", kMirrorKeys, add_input<MirrorOptions>, nullptr};

Faults check(const MirrorOptions& mirror) {
  Faults faults;
  if (mirror.port.empty() && mirror.interface.empty())
    faults.push_back({"port",
                      "neither port nor interface is given; write interface: NAME for packets through the "
                      "kernel, or port: PCI-ADDRESS for a NIC bound to DPDK"});
  if (!mirror.port.empty() && !mirror.interface.empty())
    faults.push_back({"interface", "port and interface are both given; keep one of them"});
  if (mirror.interface.size() > 15 || mirror.interface.find_first_of("/, \t") != std::string::npos)
    faults.push_back(
        {"interface", "'" + mirror.interface +
                          "' is no interface's name; expected one that `ip link` shows, such as eth1"});
  if (mirror.packets.dns_ports.empty())
    faults.push_back({"dns_ports", "is empty; expected at least one port, such as [53]"});
  // An interface's ring has no descriptors.
  const uint32_t least = least_mbufs(mirror.rx_descriptors);
  if (mirror.interface.empty() && mirror.mbufs < least)
    faults.push_back({"mbufs", std::to_string(mirror.mbufs) + " are too few: a port with rx_descriptors: " +
                                   std::to_string(mirror.rx_descriptors) + " needs at least " +
                                   std::to_string(least) +
                                   "; raise mbufs, better to twice rx_descriptors or more"});
  return faults;
}

}  // namespace weir
