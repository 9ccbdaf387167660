#include "dataplane/packet_intake.h"

#include <cstring>

namespace weir {

bool PacketIntake::take(const Packet& packet, uint64_t time_ns, const Now& now, FrameWriter& writer,
                        InputCounters& counters) const noexcept {
  Datagram datagram;
  if (const auto drop = find_datagram(packet, ports_, datagram); drop.has_value()) {
    counters.drops.add(*drop, 1);
    return true;
  }
  const auto shard = static_cast<unsigned>(uint64_t{datagram.flow} * writer.shards() >> 32U);
  const auto len = static_cast<uint32_t>(datagram.payload.size());
  Frame* frame = writer.reserve(shard, len, now);
  if (frame == nullptr) return false;
  frame->time_ns = time_ns;
  frame->input = input_;
  frame->kind = FrameKind::dns_udp;
  frame->cut = datagram.wire_len > len;
  frame->live = live_;
  frame->wire_len = datagram.wire_len;
  frame->src = datagram.src;
  frame->dst = datagram.dst;
  if (len != 0) std::memcpy(frame->payload_start(), datagram.payload.data(), len);
  writer.commit();
  counters.frames.add(1);
  return true;
}

}  // namespace weir
