// LivePort: the DPDK port of one mirror input for as long as the input lives. A port can go away (a NIC
// pulled or reset, a virtual machine's device detached, the other side of a memif ended): then its queues
// give it back, it is closed, and opened again when it is there again, at growing pauses. Other inputs go on.
// Owner: the queues and their PortWatch together.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "core/metric.h"
#include "core/net/backoff.h"
#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/dpdk_port.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/mirror_eal.h"

namespace weir {

class LivePort {
 public:
  static Result<std::shared_ptr<LivePort>> open(const MirrorOptions& options, const MirrorEal& eal);

  // Any thread: what the port has lost in all its lives, and whether packets can come. Never waits for
  // mend().
  [[nodiscard]] PortState look();
  // The watch's thread, again and again: closes a port that is gone, and opens it when it is back. May take
  // seconds.
  void mend();

  // The queue's lcore: the port to poll; nullptr while there is none.
  [[nodiscard]] DpdkPort* port(unsigned queue) const noexcept {
    return lent_[queue].load(std::memory_order_acquire);
  }
  // The queue's lcore: whether port() is to be given back, when what it had received has been read.
  [[nodiscard]] bool is_wanted_back() const noexcept { return wanted_back_.load(std::memory_order_acquire); }
  // The queue's lcore, which holds no mbuf of the port any more.
  void give_back(unsigned queue) noexcept { lent_[queue].store(nullptr, std::memory_order_release); }
  // A queue's lcore, at the end: what is gone now stays so.
  void stop() noexcept { stopped_.store(true, std::memory_order_release); }

  // Any thread.
  void describe(MetricVisitor& visitor) const;

 private:
  LivePort(const MirrorOptions& options, MirrorEal eal, std::unique_ptr<DpdkPort> port);
  void lend();
  [[nodiscard]] bool notice_loss();
  [[nodiscard]] bool all_given_back() const noexcept;
  void close_gone();
  void try_again();

  const MirrorOptions options_;
  const MirrorEal eal_;
  std::deque<std::atomic<DpdkPort*>> lent_;  // one a queue: set by mend(), cleared by the queue's lcore
  std::atomic<bool> wanted_back_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> gone_{0};
  std::atomic<uint64_t> reopened_{0};
  // Of mend().
  Backoff backoff_;
  uint64_t next_try_ns_ = 0;
  std::string complaint_;  // so that each is told once

  std::mutex mutex_;  // what follows; never held while DPDK opens or closes
  std::unique_ptr<DpdkPort> port_;
  PortState past_;  // losses of the ports before
  PortState last_;  // losses of this one
};

}  // namespace weir
