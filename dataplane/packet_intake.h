// PacketIntake: from a packet to a Frame in its shard's batch; what every packet input does with each packet.
// Owner: the input, on its ingest lcore.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/frame_writer.h"
#include "dataplane/input.h"
#include "dataplane/packet_headers.h"

namespace weir {

class PacketIntake {
 public:
  // input: index in the configuration. live: from a port, not from a file.
  PacketIntake(const std::vector<uint16_t>& dns_ports, uint16_t input, bool live)
      : headers_{.ports = DnsPorts(dns_ports)}, input_(input), live_(live) {}

  // true: the packet is written or ended with a reason; frames or drops of `counters` is one higher (units
  // and bytes are the caller's). false: its shard has no room, see writer.why_full(); nothing was counted.
  [[nodiscard]] bool take(const Packet& packet, uint64_t time_ns, const Now& now, FrameWriter& writer,
                          InputCounters& counters) const noexcept;

 private:
  HeaderOptions headers_;
  uint16_t input_;
  bool live_;
};

}  // namespace weir
