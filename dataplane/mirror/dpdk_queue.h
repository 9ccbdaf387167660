// DpdkQueue: the Input of one receive queue of a DPDK port: a burst of mbufs in, frames out, mbufs back at
// once. While the port is gone nothing comes. Owner: its ingest lcore.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/input.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror/live_port.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/packet_intake.h"

struct rte_mbuf;

namespace weir {

class DpdkQueue : public Input {
 public:
  // watch: the port's, for its first queue, which counts what the NIC lost; else nullptr.
  DpdkQueue(const MirrorOptions& options, uint16_t input, unsigned lcore, std::shared_ptr<LivePort> port,
            uint16_t queue, std::shared_ptr<PortWatch> watch);
  ~DpdkQueue() override;

  Poll poll(const Now& now, FrameWriter& writer) override;
  void stop(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;

 private:
  static constexpr uint16_t kBurst = 32;

  [[nodiscard]] bool receive() noexcept;
  bool write_burst(const Now& now, FrameWriter& writer) noexcept;
  Poll end(const Now& now, FrameWriter& writer) noexcept;
  void set_held() noexcept;
  [[nodiscard]] Packet packet_of(const rte_mbuf& mbuf) noexcept;
  void free_burst() noexcept;
  void count_losses(uint64_t total, Drop drop) noexcept;
  void take_losses() noexcept;

  std::shared_ptr<LivePort> live_;
  DpdkPort* port_ = nullptr;  // of live_, since the last receive()
  std::shared_ptr<PortWatch> watch_;
  PacketIntake intake_;
  uint16_t queue_;
  bool stopped_ = false;
  bool ending_ = false;  // of port_: its last packets are read
  uint32_t left_ = 0;    // packets that may be in its descriptors, when ending
  uint64_t blocked_since_ns_ = 0;
  std::array<rte_mbuf*, kBurst> burst_{};
  uint16_t count_ = 0;
  uint16_t next_ = 0;            // of burst_, not yet written
  std::vector<uint8_t> linear_;  // a packet that came in several mbufs
};

}  // namespace weir
