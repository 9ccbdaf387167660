// HalfStream: what is known of one direction of a connection. SegmentQueue: its segments that wait, in the
// order of their bytes; where segments overlap, the bytes that were seen first stay, as in most receivers,
// and a rewritten retransmission changes nothing. Owner: TcpStreams, on its ingest lcore.
#pragma once

#include <cstdint>

#include "dataplane/reassembly/segment_store.h"
#include "dataplane/reassembly/stream_units.h"

namespace weir {

// Sequence numbers wrap around (RFC 9293 section 3.4).
constexpr bool seq_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

// How far from the expected one a number may be: more than common buffers hold.
constexpr uint32_t kSeqWindow = 1U << 20U;

struct HalfStream {
  uint32_t read_seq;  // here the next message begins, or the search for it
  uint32_t run_end;   // from read_seq to here nothing is missing
  uint32_t first;     // segments that wait; 0: none
  uint32_t last;
  uint32_t run_last;  // the last before run_end; 0: read_seq is run_end
  uint32_t blocks;
  uint32_t isn;
  uint32_t fin_seq;
  uint32_t acked;    // by the other direction
  uint32_t gap_seq;  // run_end when gap_ns was set
  uint32_t far_seq;  // where the last segment far from all this ended, or the SYN
  uint64_t gap_ns;   // since when something is missing there
  bool known;        // the numbers are
  bool synced;       // a message begins at read_seq
  bool has_isn;
  bool has_fin;
  bool has_acked;
  bool ended;        // all before the FIN was read
  bool gapped;       // in the list of streams in which something is missing
  bool begins_late;  // without a SYN, at begin_seq
  uint32_t begin_seq;
  uint64_t begin_ns;

  [[nodiscard]] bool waits() const noexcept { return first != 0; }
  void start(uint32_t seq, bool at_message) noexcept {
    read_seq = run_end = seq;
    known = true;
    synced = at_message;
    has_fin = has_acked = ended = begins_late = false;
  }
  // The first segment of a stream whose SYN was not captured.
  void start_late(uint32_t seq, uint64_t now_ns) noexcept {
    start(seq, false);
    begins_late = true;
    begin_seq = seq;
    begin_ns = now_ns;
  }
  // Whether reading can begin there instead: it lies before where it began, and nothing was read yet.
  [[nodiscard]] bool may_begin_at(uint32_t seq) const noexcept {
    return begins_late && read_seq == begin_seq && seq_before(seq, begin_seq);
  }
  void begin_at(uint32_t seq) noexcept {
    begin_seq = seq;
    go_to(seq);
    run_last = 0;
    synced = false;
  }
  // Nothing waits: goes on behind these numbers.
  void go_to(uint32_t seq) noexcept { read_seq = run_end = seq; }
};

class SegmentQueue {
 public:
  // What of the queue was read or given up.
  struct Passed {
    uint32_t units = 0;
    uint64_t time_ns = 0;  // of the last segment
  };

  SegmentQueue(SegmentStore& store, StreamUnits& units, size_t max_blocks)
      : store_(store), units_(units), max_blocks_(max_blocks) {}

  enum class Added : uint8_t { all, half_full, store_full };
  // Copies what is new in `part`; what there was no room for is left in it.
  // Precondition: it does not begin before read_seq.
  [[nodiscard]] Added add(HalfStream& half, StreamPart& part) noexcept;

  // Moves read_seq on within the run. Units of a segment that is passed in part are taken too with
  // `of_part`; else they stay with the rest.
  Passed pass(HalfStream& half, uint32_t n, bool of_part) noexcept;
  void drop_run(HalfStream& half, Drop reason) noexcept;
  void drop_all(HalfStream& half, Drop reason) noexcept;
  // The segment behind the first gap, 0: none.
  [[nodiscard]] uint32_t behind_gap(const HalfStream& half) const noexcept {
    return half.run_last == 0 ? half.first : store_[half.run_last].next;
  }
  // Precondition: the run is empty. It becomes the one behind the gap, if there is one.
  void jump_gap(HalfStream& half) noexcept;

  // Bytes of the run from read_seq on, up to where the capture cut some off.
  size_t copy(const HalfStream& half, size_t max, uint8_t* to) const noexcept;
  [[nodiscard]] SegmentStore& store() noexcept { return store_; }

 private:
  void insert(HalfStream& half, uint32_t after, uint32_t handle) noexcept;
  void extend_run(HalfStream& half) noexcept;
  void unlink_first(HalfStream& half) noexcept;
  void trim_first(HalfStream& half, uint32_t n) noexcept;
  [[nodiscard]] bool may_append(const HalfStream& half, uint32_t seq) const noexcept;

  SegmentStore& store_;
  StreamUnits& units_;
  size_t max_blocks_;
};

}  // namespace weir
