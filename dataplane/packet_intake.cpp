#include "dataplane/packet_intake.h"

#include <cstring>

namespace weir {

bool PacketIntake::take(const Packet& packet, uint64_t time_ns, const Now& now, FrameWriter& writer,
                        InputCounters& counters) const noexcept {
  Carried datagram;
  auto drop = walk_headers(packet, headers_, datagram);
  if (!drop && datagram.kind == Carried::Kind::fragment) drop = Drop::packet_fragment;
  if (!drop && datagram.kind == Carried::Kind::segment) drop = Drop::packet_tcp;
  if (drop) {
    counters.drops.add(*drop, 1);
    return true;
  }
  const auto shard = static_cast<unsigned>(uint64_t{datagram.flow} * writer.shards() >> 32U);
  const auto len = static_cast<uint32_t>(datagram.payload.size());
  uint8_t info[kMaxPacketInfo];
  const auto info_len = static_cast<uint8_t>(encode(datagram.info, info));
  Frame* frame = writer.reserve(shard, len + info_len, now);
  if (frame == nullptr) return false;
  frame->payload_len = len;
  frame->info_len = info_len;
  frame->time_ns = time_ns;
  frame->input = input_;
  frame->kind = FrameKind::dns_udp;
  frame->cut = datagram.wire_len > len;
  frame->live = live_;
  frame->wire_len = datagram.wire_len;
  frame->src = datagram.src;
  frame->dst = datagram.dst;
  if (len != 0) std::memcpy(frame->payload_start(), datagram.payload.data(), len);
  if (info_len != 0) std::memcpy(frame->payload_start() + len, info, info_len);
  writer.commit();
  counters.frames.add(1);
  return true;
}

}  // namespace weir
