// DpdkPort: one port of DPDK's, configured, started and, when the last queue's input is gone, closed.
// Control thread, but for read_state().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/mirror_eal.h"

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
  // What the NIC lost since open(), and its link. Any one thread at a time.
  [[nodiscard]] PortState read_state() const noexcept;

 private:
  explicit DpdkPort(uint16_t id) : id_(id) {}
  Status configure(const MirrorOptions& options);
  Status make_queues(const MirrorOptions& options, int socket);
  [[nodiscard]] PortState losses() const noexcept;

  uint16_t id_;
  bool ours_ = false;  // configured by us, so closed by us; else another input has it
  uint16_t descriptors_ = 0;
  std::vector<rte_mempool*> pools_;
  PortState before_;  // losses that happened before open()
};

}  // namespace weir
