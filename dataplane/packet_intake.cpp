#include "dataplane/packet_intake.h"

#include <algorithm>
#include <cstring>

#include "core/seeded_hash.h"

namespace weir {
namespace {

std::optional<Drop> refuse(const void* headers, uint8_t protocol, std::span<const uint8_t> head) noexcept {
  return refuse_datagram(protocol, head, *static_cast<const HeaderOptions*>(headers));
}

bool is_of(const StreamMessage& message, const Carried& carried) noexcept {
  return (message.src == carried.src && message.dst == carried.dst) ||
         (message.src == carried.dst && message.dst == carried.src);
}

}  // namespace

PacketIntake::PacketIntake(const PacketOptions& options, uint16_t input, bool live, bool wait_for_room)
    : filters_(options.filter, live),
      headers_{.ports = DnsPorts(options.dns_ports), .verify_checksums = options.verify_checksums},
      fragments_(options.reassembly.fragments(), refuse, &headers_, random_seed()),
      streams_(options.reassembly.tcp(), random_seed()),
      input_(input),
      live_(live),
      wait_for_room_(wait_for_room) {}

bool PacketIntake::take(const Packet& packet, uint64_t time_ns, const Now& now, FrameWriter& writer,
                        InputCounters& counters) noexcept {
  CaptureTap* tap = writer.tap();
  if (tap != nullptr && wait_for_copies(*tap, packet, time_ns, now)) return false;
  if (!in_progress()) {
    const std::optional<Drop> refused = read(packet, time_ns, now, counters);
    if (tap != nullptr && refused != Drop::packet_filtered)
      tap->copy(packet, {.time_ns = time_ns, .input = input_, .refused = refused}, now);
  }
  return write_pending(now, writer, counters);
}

// Only what is read from files waits: a port's packets would be lost where they are waited for.
bool PacketIntake::wait_for_copies(CaptureTap& tap, const Packet& packet, uint64_t time_ns,
                                   const Now& now) noexcept {
  if (live_ || (in_progress() && pending_ != Pending::copies)) return false;
  const bool waits = !tap.has_room(packet, now);
  pending_ = waits ? Pending::copies : Pending::nothing;
  datagram_units_.set(waits ? 1 : 0);
  waiting_ = packet;
  time_ns_ = time_ns;
  return waits;
}

std::optional<Drop> PacketIntake::read(const Packet& packet, uint64_t time_ns, const Now& now,
                                       InputCounters& counters) noexcept {
  if (!filters_.pick(packet)) {
    counters.drops.add(Drop::packet_filtered, 1);
    return Drop::packet_filtered;
  }
  time_ns_ = time_ns;
  uint32_t units = 1;
  auto drop = walk_headers(packet, headers_, carried_);
  // A fragment may be in a tunnel whose packets were fragmented in their turn: so again, until it is none.
  // Each time it is shorter.
  while (!drop && carried_.kind == Carried::Kind::fragment) {
    if (units > 1) {
      nested_.assign(carried_.payload.begin(), carried_.payload.end());
      carried_.payload = nested_;
    }
    const Fragment fragment{.src = carried_.src.addr,
                            .dst = carried_.dst.addr,
                            .id = carried_.fragment.id,
                            .protocol = carried_.fragment.protocol,
                            .more = carried_.fragment.more,
                            .offset = carried_.fragment.offset,
                            .payload = carried_.payload,
                            .wire_len = carried_.wire_len,
                            .units = units};
    WholeDatagram whole;
    fragment_at_ns_ = now.mono_ns;
    if (!fragments_.take(fragment, time_ns, counters.drops, whole)) return std::nullopt;
    units = whole.units;
    carried_.fragment.protocol = whole.protocol;
    drop = walk_datagram(whole.payload, whole.wire_len, headers_, carried_);
  }
  if (drop) {
    counters.drops.add(*drop, units);
    return drop;
  }
  if (carried_.kind == Carried::Kind::datagram) {
    pending_ = Pending::datagram;
    datagram_units_.set(units);
    return std::nullopt;
  }
  pending_ = Pending::messages;
  streams_.take({.src = carried_.src,
                 .dst = carried_.dst,
                 .flow = carried_.flow,
                 .seq = carried_.tcp.seq,
                 .ack = carried_.tcp.ack,
                 .flags = carried_.tcp.flags,
                 .payload = carried_.payload,
                 .wire_len = carried_.wire_len,
                 .units = units},
                time_ns, counters.drops);
  return std::nullopt;
}

bool PacketIntake::write_pending(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept {
  if (pending_ == Pending::datagram && !write_datagram(now, writer, counters)) return false;
  if (pending_ == Pending::messages) {
    while (const StreamMessage* message = streams_.front()) {
      if (!write_message(*message, now, writer, counters)) return false;
      streams_.pop();
    }
  }
  pending_ = Pending::nothing;
  return true;
}

bool PacketIntake::write(const Outgoing& dns, const Now& now, FrameWriter& writer,
                         InputCounters& counters) const noexcept {
  const auto shard = static_cast<unsigned>(uint64_t{dns.flow} * writer.shards() >> 32U);
  const auto len = static_cast<uint32_t>(dns.bytes.size());
  uint8_t info[kMaxPacketInfo];
  const auto info_len = static_cast<uint8_t>(dns.info.empty() ? 0 : encode(dns.info, info));
  Frame* frame = writer.reserve(shard, len + info_len, now);
  if (frame == nullptr) {
    if (wait_for_room_) return false;
    counters.drops.add(writer.why_full(), dns.units);
    return true;
  }
  frame->payload_len = len;
  frame->info_len = info_len;
  frame->time_ns = dns.time_ns;
  frame->input = input_;
  frame->kind = dns.kind;
  frame->cut = dns.wire_len > len;
  frame->live = live_;
  frame->wire_len = dns.wire_len;
  frame->units = dns.units;
  frame->src = dns.src;
  frame->dst = dns.dst;
  if (len != 0) std::memcpy(frame->payload_start(), dns.bytes.data(), len);
  if (info_len != 0) std::memcpy(frame->payload_start() + len, info, info_len);
  writer.commit();
  counters.frames.add(1);
  counters.joined.add(dns.units - 1);
  return true;
}

bool PacketIntake::write_datagram(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept {
  const Outgoing dns{.kind = FrameKind::dns_udp,
                     .src = carried_.src,
                     .dst = carried_.dst,
                     .bytes = carried_.payload,
                     .wire_len = carried_.wire_len,
                     .flow = carried_.flow,
                     .units = static_cast<uint32_t>(datagram_units_.get()),
                     .time_ns = time_ns_,
                     .info = carried_.info};
  if (!write(dns, now, writer, counters)) return false;
  datagram_units_.set(0);
  return true;
}

bool PacketIntake::write_message(const StreamMessage& message, const Now& now, FrameWriter& writer,
                                 InputCounters& counters) noexcept {
  // What other streams' time-outs bring did not come with this packet.
  PacketInfo info = is_of(message, carried_) ? carried_.info : PacketInfo{};
  info.has_setup = message.has_setup;
  info.setup_ns = message.setup_ns;
  const Outgoing dns{.kind = FrameKind::dns_tcp,
                     .src = message.src,
                     .dst = message.dst,
                     .bytes = message.bytes,
                     .wire_len = message.wire_len,
                     .flow = message.flow,
                     .units = std::max(message.units, 1U),
                     .time_ns = message.time_ns,
                     .info = info};
  if (!write(dns, now, writer, counters)) return false;
  if (message.units == 0) counters.units.add(1);
  return true;
}

bool PacketIntake::finish(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept {
  if (pending_ == Pending::copies && !take(waiting_, time_ns_, now, writer, counters)) return false;
  if (!write_pending(now, writer, counters)) return false;
  fragments_.flush(counters.drops);
  while (streams_.flush(counters.drops)) {
    pending_ = Pending::messages;
    if (!write_pending(now, writer, counters)) return false;
  }
  return true;
}

void PacketIntake::abandon(InputCounters& counters) noexcept {
  counters.drops.add(Drop::ingest_shutdown, datagram_units_.get());
  datagram_units_.set(0);
  fragments_.flush(counters.drops);
  do {
    while (const StreamMessage* message = streams_.front()) {
      if (message->units == 0) counters.units.add(1);
      counters.drops.add(Drop::ingest_shutdown, std::max(message->units, 1U));
      streams_.pop();
    }
  } while (streams_.flush(counters.drops));
  pending_ = Pending::nothing;
}

void PacketIntake::describe(MetricVisitor& visitor, const Labels& owner) const {
  visitor.gauge("weir_fragments_held", "IP fragments that wait for the others of their datagram.", owner,
                static_cast<double>(fragments_.held_units()));
  streams_.describe(visitor, owner);
}

}  // namespace weir
