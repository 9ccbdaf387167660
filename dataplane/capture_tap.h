// CaptureTap: where copies of packets leave the street, towards the outputs `pcap`: each of them has a way of
// its own, a ring and a pool. A copy that finds no room is lost and counted; an input that can wait asks
// has_room() first. Owner: the ingest lcore; nothing of it runs where there is no such output.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/batch_writer.h"
#include "core/captured_packet.h"
#include "core/drop.h"
#include "core/mark.h"
#include "core/metric.h"
#include "core/stage.h"
#include "dataplane/filter/link_filters.h"
#include "dataplane/packet_headers.h"

namespace weir {

struct CaptureWayOptions {
  std::string output = {};  // its name
  CapturePick pick = CapturePick::all;
  std::string filter = {};  // for CapturePick::filter; checked
  uint32_t snap_length = 65'535;
  std::span<const LinkType> live_links = {};  // of packets of ports and interfaces, as long as the tap lives
};

class CaptureTap {
 public:
  // A batch of less has no room for the longest copy.
  static constexpr size_t batch_bytes_for(uint32_t snap_length) noexcept {
    return BatchWriter::padded(sizeof(CapturedPacket) + snap_length);
  }
  // What is known of a packet that its bytes do not say.
  struct Origin {
    uint64_t time_ns;
    uint16_t input;
    std::optional<Drop> refused;  // it ended at once, with this reason
  };

  // Before the lcore runs. The ring, which this lcore produces for, outlives the tap.
  void add_way(CaptureWayOptions options, Ring& ring, std::unique_ptr<BatchPool> pool);
  [[nodiscard]] unsigned ways() const noexcept { return static_cast<unsigned>(ways_.size()); }

  // Each way has room for a copy of this packet. A true answer holds until the next copy().
  [[nodiscard]] bool has_room(const Packet& packet, const Now& now) noexcept;
  void copy(const Packet& packet, const Origin& origin, const Now& now) noexcept;
  // A mark behind all copies of that way so far. false: no room, call again.
  [[nodiscard]] bool put(unsigned way, const Mark& mark, const Now& now) noexcept {
    return ways_[way]->writer.put(mark, now.mono_ns);
  }

  // Called by FrameWriter with its own.
  void end_burst(const Now& now) noexcept;
  [[nodiscard]] bool flush() noexcept;
  void close() noexcept;
  void abandon() noexcept;

  // Copies. out: pushed to the ring. Any thread; even when the lcore rests.
  [[nodiscard]] Balance balance(unsigned way) const noexcept;
  [[nodiscard]] uint64_t lost() const noexcept;
  void describe(MetricVisitor& visitor, unsigned lcore) const;

 private:
  struct Way {
    Way(CaptureWayOptions told, Ring& to, std::unique_ptr<BatchPool> from)
        : options(std::move(told)), filters(options.filter, true), pool(std::move(from)), writer(to, *pool) {
      filters.compile_for(options.live_links);
    }

    CaptureWayOptions options;
    LinkFilters filters;
    std::unique_ptr<BatchPool> pool;
    BatchWriter writer;
    Counter picked;
    DropCounters drops;
  };

  static void write(Way& way, const Packet& packet, const Origin& origin, const Now& now) noexcept;

  std::vector<std::unique_ptr<Way>> ways_;
  std::vector<uint8_t> tagged_;
};

}  // namespace weir
