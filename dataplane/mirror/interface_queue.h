// InterfaceQueue: the Input of one AF_PACKET ring. Its packets stay in the ring until they are written; the
// ring is the buffer. Owner: its ingest lcore.
#pragma once

#include <memory>

#include "dataplane/input.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/interface_rings.h"
#include "dataplane/mirror/packet_ring.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/packet_intake.h"

namespace weir {

class InterfaceQueue : public Input {
 public:
  // watch: of the interface, for its first queue; else nullptr.
  InterfaceQueue(const MirrorOptions& options, uint16_t input, unsigned lcore,
                 std::shared_ptr<InterfaceRings> rings, unsigned queue, std::shared_ptr<PortWatch> watch);

  Poll poll(const Now& now, FrameWriter& writer) override;
  void stop(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;

 private:
  Poll end_ring(const Now& now, FrameWriter& writer) noexcept;
  [[nodiscard]] bool emptied() noexcept;
  void count_losses() noexcept;
  void take_newest_ring() noexcept;

  std::shared_ptr<InterfaceRings> rings_;
  unsigned queue_;
  PacketRing* ring_;  // of rings_
  std::shared_ptr<PortWatch> watch_;
  PacketIntake intake_;
  uint64_t polled_ = 0;  // of ring_
  bool stopped_ = false;
  uint64_t closed_at_ns_ = 0;  // of ring_, as seen here; 0: packets come in
  uint64_t counted_at_ns_ = 0;
  uint64_t blocked_since_ns_ = 0;
  PacketRing::Counts counts_;  // of ring_
};

}  // namespace weir
