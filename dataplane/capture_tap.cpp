#include "dataplane/capture_tap.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "dataplane/headers/vlan_tag.h"

namespace weir {
namespace {

bool is_rejected(const std::optional<Drop>& refused) noexcept {
  return refused && drop_info(*refused).kind == DropKind::reject;
}

}  // namespace

void CaptureTap::add_way(CaptureWayOptions options, Ring& ring, std::unique_ptr<BatchPool> pool) {
  ways_.push_back(std::make_unique<Way>(std::move(options), ring, std::move(pool)));
}

// Files' packets have their tags.
bool CaptureTap::has_room(const Packet& packet, const Now& now) noexcept {
  return std::all_of(ways_.begin(), ways_.end(), [&](const auto& way) {
    const size_t len = std::min<size_t>(packet.bytes.size(), way->options.snap_length);
    return way->writer.reserve(sizeof(CapturedPacket) + len, now.mono_ns) != nullptr;
  });
}

void CaptureTap::copy(const Packet& packet, const Origin& origin, const Now& now) noexcept {
  std::optional<Packet> whole;
  for (const auto& way : ways_) {
    if (way->options.pick == CapturePick::rejected && !is_rejected(origin.refused)) continue;
    if (!whole) whole = with_tag(packet, tagged_);
    if (way->options.pick == CapturePick::filter && !way->filters.pick(*whole)) continue;
    way->picked.add(1);
    write(*way, *whole, origin, now);
  }
}

void CaptureTap::write(Way& way, const Packet& packet, const Origin& origin, const Now& now) noexcept {
  const size_t len = std::min<size_t>(packet.bytes.size(), way.options.snap_length);
  uint8_t* room = way.writer.reserve(sizeof(CapturedPacket) + len, now.mono_ns);
  if (room == nullptr) {
    way.drops.add(Drop::capture_no_room, 1);
    return;
  }
  auto* copy = new (room) CapturedPacket{.record_len = BatchWriter::padded(sizeof(CapturedPacket) + len),
                                         .len = static_cast<uint32_t>(len),
                                         .arrival_ns = now.mono_ns,
                                         .time_ns = origin.time_ns,
                                         .wire_len = packet.wire_len,
                                         .link = static_cast<uint16_t>(packet.link),
                                         .input = origin.input,
                                         .refused = origin.refused.value_or(Drop::count_)};
  if (len != 0) std::memcpy(copy->bytes_start(), packet.bytes.data(), len);
  way.writer.commit(copy->record_len, CapturedPacket::units);
}

void CaptureTap::end_burst(const Now& now) noexcept {
  for (auto& way : ways_) {
    way->writer.ring().collect(*way->pool);
    way->writer.end_burst(now.mono_ns);
  }
}

bool CaptureTap::flush() noexcept {
  bool all = true;
  for (auto& way : ways_) all &= way->writer.flush();
  return all;
}

void CaptureTap::close() noexcept {
  for (auto& way : ways_) way->writer.ring().close();
}

void CaptureTap::abandon() noexcept {
  for (auto& way : ways_) way->drops.add(Drop::capture_shutdown, way->writer.abandon());
}

Balance CaptureTap::balance(unsigned way) const noexcept {
  const Way& of = *ways_[way];
  return {.in = of.picked.get(),
          .out = of.writer.ring().pushed(),
          .drops = of.drops.total(StageKind::capture),
          .in_flight = of.writer.open_units()};
}

uint64_t CaptureTap::lost() const noexcept {
  uint64_t copies = 0;
  for (const auto& way : ways_) copies += way->drops.total(StageKind::capture);
  return copies;
}

void CaptureTap::describe(MetricVisitor& visitor, unsigned lcore) const {
  for (const auto& way : ways_) {
    const Labels labels = {{"output", way->options.output}, {"lcore", std::to_string(lcore)}};
    visitor.counter("weir_capture_packets_total",
                    "Packets that an output `pcap` picked; lcore is the ingest lcore.", labels,
                    static_cast<double>(way->picked.get()));
    way->drops.describe(visitor, StageKind::capture, labels);
  }
}

}  // namespace weir
