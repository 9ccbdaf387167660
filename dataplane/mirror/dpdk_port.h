// DpdkPort: one port of DPDK's, configured, started and, when the last queue's input is gone, closed.
// Control thread, but for read_state().
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
  static Result<std::shared_ptr<DpdkPort>> open(const MirrorOptions& options, const MirrorEal& eal);
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  [[nodiscard]] uint16_t id() const noexcept { return id_; }
  [[nodiscard]] uint32_t descriptors() const noexcept { return descriptors_; }
  // What the NIC lost since open(), what else it counts, and its link; sets its clock. Any one thread at a
  // time.
  [[nodiscard]] PortState read_state();
  // Any lcore: when a packet of this port came; wall_ns is the time of its burst.
  [[nodiscard]] uint64_t time_of(const rte_mbuf& mbuf, uint64_t wall_ns) const noexcept {
    if ((mbuf.ol_flags & stamp_flag_) == 0) return wall_ns;
    return clock_.wall_ns(*RTE_MBUF_DYNFIELD(&mbuf, stamp_offset_, const rte_mbuf_timestamp_t*), wall_ns);
  }

 private:
  explicit DpdkPort(uint16_t id) : id_(id) {}
  Status configure(const MirrorOptions& options);
  Status make_queues(const MirrorOptions& options, int socket);
  void find_stamps(const rte_eth_dev_info& info) noexcept;
  void set_clock() noexcept;
  void list_counters();
  [[nodiscard]] PortState losses() const noexcept;

  uint16_t id_;
  bool ours_ = false;  // configured by us, so closed by us; else another input has it
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
