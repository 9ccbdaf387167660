// TcpStreams::State: what is done with a segment, one step at a time, since messages are read one at a time.
// tcp_streams_segment.cpp: a segment comes in; tcp_streams_end.cpp: what is given up. Owner: TcpStreams, on
// its ingest lcore; the counters any thread.
#pragma once

#include <algorithm>

#include "dataplane/reassembly/elapsed_time.h"
#include "dataplane/reassembly/message_reader.h"
#include "dataplane/reassembly/message_scan.h"
#include "dataplane/reassembly/tcp_stream_table.h"
#include "dataplane/reassembly/tcp_streams.h"

namespace weir {

struct TcpStreams::State {
  State(const TcpOptions& given, uint64_t seed);

  // One direction of a stream. stream 0: none.
  struct Side {
    uint32_t stream = 0;
    unsigned half = 0;
  };
  enum class End : uint8_t { close, remove };
  enum class Stage : uint8_t { idle, look_up, place };

  // Quiet times end with much to sweep; the packets that come then do not wait for all of it.
  static constexpr unsigned kSweeps = 32;
  static constexpr uint64_t kOutOfOrderNs = 1'000'000'000;

  void advance() noexcept {
    has_message = false;
    while (!has_message && step()) {
    }
    used.set(table.used());
    blocks.set(store.used());
  }
  bool step() noexcept;

  void read_on() noexcept;
  [[nodiscard]] bool settle(Side side) noexcept;
  void emit(Side side, const MessageReader::Message& read) noexcept;

  void end_stream(uint32_t ref, End how) noexcept {
    ending = ref;
    end_how = how;
  }
  void end_on() noexcept;
  void close(uint32_t ref) noexcept;
  [[nodiscard]] bool sweep() noexcept;

  void look_up() noexcept;
  [[nodiscard]] bool take_syn(Side side) noexcept;
  void take_rst(Side side) noexcept;
  void take_ack(Side side) noexcept;
  void take_fin(HalfStream& half) noexcept;
  void take_data(Side side) noexcept;
  void place() noexcept;
  void finish(Drop reason) noexcept {
    units.end(reason, part.units);
    stage = Stage::idle;
  }

  [[nodiscard]] uint32_t create(uint32_t hash) noexcept;
  void evict(uint32_t ref) noexcept;
  void make_room(SegmentQueue::Added full) noexcept;
  void give_up_gap(Side side) noexcept;
  void update_wait(uint32_t ref, bool anew) noexcept;

  HalfStream& half_of(Side side) noexcept { return table[side.stream].halves[side.half]; }
  [[nodiscard]] bool is_due(uint64_t since_ns, uint64_t timeout_ns) const noexcept {
    return clock.now() - since_ns >= timeout_ns;
  }
  // A number far from the expected one does not end what is in progress, for it is easily forged; unless a
  // second segment goes on where it ended.
  [[nodiscard]] bool in_progress(const TcpStream& stream) const noexcept {
    return stream.wait != StreamWait::none && !is_due(stream.active_ns, options.gap_timeout_ns);
  }

  TcpOptions options;
  ElapsedTime clock{kOutOfOrderNs};
  StreamUnits units;
  TcpStreamTable table;
  SegmentStore store;
  SegmentQueue queue;
  MessageReader reader;

  // What is to be done before the next segment is taken: messages are read one at a time.
  StreamMessage message;
  bool has_message = false;
  Side reading;         // may have whole messages
  uint32_t ending = 0;  // stream that is over
  End end_how = End::close;
  Stage stage = Stage::idle;  // of the segment
  Segment segment;
  uint64_t time_ns = 0;
  Side target;                           // of the segment
  StreamPart part;                       // of the segment, what is left to do
  Drop nothing_new = Drop::tcp_no_data;  // its end if all of it was seen

  uint64_t sweep_ns = 0;  // nothing is due before
  unsigned sweeps = 0;    // that may be done before the segment
  Counter used;           // of the table and of the store, for other threads
  Counter blocks;
  Counter gaps;
  Counter messages;
  Counter stream_evictions;
  Counter memory_evictions;
};

}  // namespace weir
