// DpdkPort: one port of DPDK's, configured, started and closed. Opened by LivePort: on the control thread,
// and on the thread of its PortWatch where it went away and is back.
#pragma once

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/hardware_clock.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/mirror_eal.h"

struct rte_eth_dev_info;
struct rte_mempool;

namespace weir {

class DpdkPort {
 public:
  static Result<std::unique_ptr<DpdkPort>> open(const MirrorOptions& options, const MirrorEal& eal);
  // As open(), but DPDK looks for the device first where it has no port of it. May take seconds.
  static Result<std::unique_ptr<DpdkPort>> open_again(const MirrorOptions& options, const MirrorEal& eal);
  // Closes the port and has DPDK forget its device, so that open_again() finds what is there by then. May
  // take seconds.
  static void unplug(std::unique_ptr<DpdkPort> port, const MirrorEal& eal);
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  [[nodiscard]] uint16_t id() const noexcept { return id_; }
  [[nodiscard]] uint32_t descriptors() const noexcept { return descriptors_; }
  // What the NIC lost since open(), what else it counts, and its link; sets its clock. Any one thread at a
  // time.
  [[nodiscard]] PortState read_state();
  // Any lcore: whether the device was removed, or its driver released the port, whose number may be another's
  // by now.
  [[nodiscard]] bool is_removed() const noexcept;
  // Nothing can come any more: the device was removed, its driver released it, the interface under it is
  // gone, or the other side of a memif is. Not while read_state() runs.
  [[nodiscard]] bool is_gone() const noexcept;
  // Whether the last read_state() found the link up.
  [[nodiscard]] bool was_up() const noexcept { return looks_down_ == 0; }
  // Any lcore: when a packet of this port came; wall_ns is the time of its burst.
  [[nodiscard]] uint64_t time_of(const rte_mbuf& mbuf, uint64_t wall_ns) const noexcept {
    if ((mbuf.ol_flags & stamp_flag_) == 0) return wall_ns;
    return clock_.wall_ns(*RTE_MBUF_DYNFIELD(&mbuf, stamp_offset_, const rte_mbuf_timestamp_t*), wall_ns);
  }

 private:
  DpdkPort(uint16_t id, std::string device);
  Status configure(const MirrorOptions& options);
  Status make_queues(const MirrorOptions& options, int socket);
  void find_stamps(const rte_eth_dev_info& info) noexcept;
  void set_clock() noexcept;
  void list_counters();
  [[nodiscard]] PortState losses() const noexcept;

  uint16_t id_;
  std::string device_;          // DPDK's name of it
  uint32_t removals_;           // of the port's number when this port was opened
  unsigned if_index_ = 0;       // of the kernel's interface under the port; 0: none
  bool needs_dialing_ = false;  // a memif client, which does not connect again by itself
  unsigned looks_down_ = 0;     // in a row
  bool ours_ = false;           // configured by us, so closed by us; else another input has it
  uint16_t descriptors_ = 0;
  std::vector<rte_mempool*> pools_;
  PortState before_;  // losses that happened before open()
  // Of the NIC's own counters those of received packets: names, and their numbers for the driver.
  std::vector<NicCounter> counters_;
  std::vector<uint64_t> counter_ids_;
  uint64_t stamp_flag_ = 0;  // of mbufs that carry a time stamp; 0: none do
  int stamp_offset_ = 0;
  bool has_clock_ = false;
  HardwareClock clock_;
};

}  // namespace weir
