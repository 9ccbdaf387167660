// Machine: what the plan needs to know of the computer and of what this process may do on it. Read once at
// start on the control thread; a plain value, so that plans for other machines can be tested.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct PciDevice {
  std::string address;  // 0000:3b:00.0
  std::string driver;   // that it is bound to; empty: none
  bool operator==(const PciDevice&) const = default;
};

struct Machine {
  std::vector<unsigned> cpus;           // those this process may run on, rising
  std::vector<unsigned> isolated_cpus;  // kernel's isolcpus, rising; it may be pinned to them too
  double cpu_quota = 0;                 // CPUs that the cgroup grants; 0: no limit
  std::vector<int> numa_of_cpu;         // by CPU number; -1 unknown
  uint64_t memory_bytes = 0;            // available, within the cgroup's limit; 0: unknown
  uint64_t hugepage_bytes = 0;          // free hugepages
  bool root = false;
  bool net_raw = false;           // CAP_NET_RAW, for AF_PACKET
  std::vector<std::string> pmds;  // DPDK's drivers that are installed, "net_pcap"; empty: unknown
  std::vector<PciDevice> pci;     // empty: unknown
};

// What cannot be read is left as it is above.
Machine read_machine();

// The kernel's list format, "0-3,8": rising, without doubles. Empty where the text is no such list.
std::vector<unsigned> parse_cpu_list(const std::string& text);
std::string cpu_list_text(const std::vector<unsigned>& cpus);

}  // namespace weir
