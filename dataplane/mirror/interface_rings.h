// InterfaceRings: the AF_PACKET rings of one interface, one a queue. An interface that is removed and made
// anew under its name is another one for the kernel, and a socket does not follow: so the rings are opened
// again, and each queue's lcore goes over to its new one when it has read the old one to its end.
// Owner: the queues and their PortWatch together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/metric.h"
#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/packet_ring.h"
#include "dataplane/mirror/port_watch.h"

namespace weir {

class InterfaceRings {
 public:
  static Result<std::shared_ptr<InterfaceRings>> open(const MirrorOptions& options);

  // The watch's thread: up where packets can come and are read. Opens the rings anew where the interface is
  // another one than before, and says so.
  [[nodiscard]] PortState look();

  // The queue's lcore: whether a newer ring waits; nothing comes into the old one any more.
  [[nodiscard]] bool is_outdated(unsigned queue) const noexcept;
  // The queue's lcore, or the control thread after it: the ring to read from now on. The one before may be
  // gone.
  PacketRing& take_newest(unsigned queue) noexcept;
  // The queue's lcore: no packet comes into the queue after this, and no ring is opened any more.
  void close_intake(unsigned queue);

  // Any thread.
  void describe(MetricVisitor& visitor) const;

 private:
  struct Slot {
    [[nodiscard]] bool is_taken() const noexcept {
      return reading.load(std::memory_order_acquire) == newest.load(std::memory_order_acquire);
    }
    std::atomic<PacketRing*> newest{nullptr};
    std::atomic<PacketRing*> reading{nullptr};
    std::vector<std::unique_ptr<PacketRing>> rings;  // that of `reading`, and that of `newest` behind it
  };

  InterfaceRings(const MirrorOptions& options, std::vector<std::unique_ptr<PacketRing>> rings);
  bool open_anew();
  void complain(const std::string& fault);

  const MirrorOptions options_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<uint64_t> reopened_{0};
  std::mutex mutex_;  // Slot::rings, closed_, complaint_
  bool closed_ = false;
  std::string complaint_;  // so that each is told once
};

}  // namespace weir
