// PacketIntake: from packets to Frames in their shards' batches: the filter, headers, then IP fragments and
// TCP segments put together. What every packet input does with each packet. Owner: the input, on its ingest
// lcore.
//
// A frame's units are the packets that it came in. Where a TCP segment ends several messages, the first has
// the segment, and each other counts as a unit of its own: so none can be lost without a count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/metric.h"
#include "dataplane/filter/link_filters.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"
#include "dataplane/packet_headers.h"
#include "dataplane/reassembly/fragments.h"
#include "dataplane/reassembly/tcp_streams.h"

namespace weir {

class PacketIntake {
 public:
  // input: index in the configuration. live: from a port, not from a file. wait_for_room: what the shards
  // have no room for is kept; otherwise it is counted as dropped.
  PacketIntake(const PacketOptions& options, uint16_t input, bool live, bool wait_for_room);

  // true: the packet is written, waits for others of its message, or ended with a reason; frames and drops of
  // `counters` say which. false: its shard, or the outputs' copies of it, have no room; call again with the
  // same. The packet itself is for the caller to count as a unit, once.
  [[nodiscard]] bool take(const Packet& packet, uint64_t time_ns, const Now& now, FrameWriter& writer,
                          InputCounters& counters) noexcept;
  // take() has begun with a packet, and is to be called again with it.
  [[nodiscard]] bool in_progress() const noexcept { return pending_ != Pending::nothing; }
  // At each poll of a port: counts what has waited too long for other fragments, by the lcore's clock, where
  // packets whose time would tell so do not come. true: something may have been counted. Files do without:
  // what they give must not depend on when they are read.
  [[nodiscard]] bool forget_old(const Now& now, InputCounters& counters) noexcept {
    if (now.mono_ns < next_look_ns_ || in_progress()) return false;
    next_look_ns_ = now.mono_ns + kNsPerSec;
    if (fragments_.held_units() == 0) return false;
    fragments_.forget_old(now.mono_ns - std::min(fragment_at_ns_, now.mono_ns), counters.drops);
    return true;
  }
  // No packet follows: what waits for others is written as far as it can be read, the rest counted. false: no
  // room, call again.
  [[nodiscard]] bool finish(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept;
  // The drain time is over: what waits is counted.
  void abandon(InputCounters& counters) noexcept;

  // Packets that wait for others, those of a message in progress too. Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept {
    return fragments_.held_units() + streams_.held_units() + datagram_units_.get();
  }
  // Why packets were not even asked about, for a link type that the input's filter means nothing for; empty:
  // there were none.
  [[nodiscard]] std::string filter_fault() const { return filters_.fault(); }
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  // copies: the packet is not read yet.
  enum class Pending : uint8_t { nothing, copies, datagram, messages };

  [[nodiscard]] bool wait_for_copies(CaptureTap& tap, const Packet& packet, uint64_t time_ns,
                                     const Now& now) noexcept;
  // Why the packet ended at once, if it did.
  std::optional<Drop> read(const Packet& packet, uint64_t time_ns, const Now& now,
                           InputCounters& counters) noexcept;
  [[nodiscard]] bool write_pending(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept;
  [[nodiscard]] bool write_datagram(const Now& now, FrameWriter& writer, InputCounters& counters) noexcept;
  [[nodiscard]] bool write_message(const StreamMessage& message, const Now& now, FrameWriter& writer,
                                   InputCounters& counters) noexcept;
  // A message on its way to its shard; borrowed.
  struct Outgoing {
    FrameKind kind;
    const Endpoint& src;
    const Endpoint& dst;
    std::span<const uint8_t> bytes;
    uint32_t wire_len;
    uint32_t flow;
    uint32_t units;
    uint64_t time_ns;
    const PacketInfo& info;
  };
  [[nodiscard]] bool write(const Outgoing& dns, const Now& now, FrameWriter& writer,
                           InputCounters& counters) const noexcept;

  LinkFilters filters_;
  HeaderOptions headers_;
  Fragments fragments_;
  TcpStreams streams_;
  uint16_t input_;
  bool live_;
  bool wait_for_room_;
  Pending pending_ = Pending::nothing;
  Packet waiting_;               // for its copies; borrowed until take() is true
  Carried carried_;              // of the packet that is or was read last
  uint64_t time_ns_ = 0;         // its time
  uint64_t fragment_at_ns_ = 0;  // of the lcore's clock: when the last fragment came
  uint64_t next_look_ns_ = 0;    // of the lcore's clock: for fragments that have waited too long
  Counter datagram_units_;       // of carried_, or of the packet that waits for its copies
  std::vector<uint8_t> nested_;  // a fragment that was within a datagram of fragments
};

}  // namespace weir
