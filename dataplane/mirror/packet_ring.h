// PacketRing: an AF_PACKET socket with its TPACKET_V3 ring: blocks of packets that the kernel fills and gives
// over, and we give back. Opened on the control thread, read by one ingest lcore. Why not DPDK's af_packet
// vdev: docs/decisions/0005.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/packet_headers.h"

namespace weir {

class PacketRing {
 public:
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  struct Captured {
    Packet packet;  // points into the ring until advance()
    uint64_t time_ns = 0;
  };
  // The lcore: the packet at hand, if there is one; the same until advance().
  [[nodiscard]] std::optional<Captured> front() noexcept;
  void advance() noexcept;
  // Packets lost since open() for want of room in the ring, and those that the kernel has put there.
  struct Counts {
    uint64_t lost = 0;
    uint64_t put = 0;
  };
  Counts read_counts() noexcept;
  // Any thread: false once the interface was removed; a socket does not follow its name to a new one.
  [[nodiscard]] bool is_bound_to(int index) const noexcept;
  // Any thread. No packet comes in after this returns, but for those that are on their way on other CPUs.
  void close_intake() noexcept;

 private:
  friend Result<std::vector<std::unique_ptr<PacketRing>>> open_packet_rings(const MirrorOptions& options);
  explicit PacketRing(int fd) : fd_(fd) {}
  Status map(const MirrorOptions& options);
  Status attach(const MirrorOptions& options, int index);
  Status join_fanout(const MirrorOptions& options, std::optional<uint16_t>& group);
  bool open_intake() noexcept;
  [[nodiscard]] uint8_t* block() const noexcept;

  int fd_;
  LinkType link_ = LinkType::ethernet;
  uint8_t* memory_ = nullptr;
  size_t memory_bytes_ = 0;
  unsigned blocks_ = 0;
  unsigned at_block_ = 0;
  uint8_t* packet_ = nullptr;  // in the block at hand
  uint32_t packets_left_ = 0;  // with packet_
  Counts counts_;
};

// One ring a queue, all on options.interface, each with its share of the address pairs. An Error names what
// is wrong: no such interface, no permission, no memory.
Result<std::vector<std::unique_ptr<PacketRing>>> open_packet_rings(const MirrorOptions& options);

// The kernel's number of an interface, which a new one of the same name does not inherit; 0: there is none.
int interface_index(const std::string& interface);
// Whether packets can come: the interface is there, up and has its carrier. Any thread.
bool interface_is_up(const std::string& interface);

}  // namespace weir
