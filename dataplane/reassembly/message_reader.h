// MessageReader: the DNS messages in one direction of a connection, from a segment that came in order, or
// from those that wait. Owner: TcpStreams, on its ingest lcore.
#pragma once

#include <cstdint>
#include <span>

#include "core/lazy_array.h"
#include "dataplane/reassembly/half_stream.h"

namespace weir {

class MessageReader {
 public:
  struct Message {
    std::span<const uint8_t> bytes;  // of the segment, or of the reader's memory until its next call
    uint32_t wire_len = 0;
    uint32_t units = 0;
    uint64_t time_ns = 0;
  };

  MessageReader(SegmentQueue& queue, StreamUnits& units);

  // From what waits. false: no further message is whole.
  [[nodiscard]] bool read(HalfStream& half, Message& message) noexcept;
  // From a segment that begins at read_seq, while nothing waits, and takes what was read away from it. false:
  // no further message is whole; what `part` still has is to be put into the queue.
  [[nodiscard]] bool read_in_place(HalfStream& half, StreamPart& part, Message& message) noexcept;

  // Times that a message was found in the middle of a stream.
  [[nodiscard]] uint64_t resyncs() const noexcept { return resyncs_.get(); }

 private:
  [[nodiscard]] bool search(HalfStream& half) noexcept;
  [[nodiscard]] bool search_in_place(HalfStream& half, StreamPart& part) noexcept;
  [[nodiscard]] uint32_t first_undecided(const HalfStream& half, uint32_t searched) const noexcept;
  void lose_to_hole(HalfStream& half) noexcept;

  SegmentQueue& queue_;
  StreamUnits& units_;
  LazyArray<uint8_t> scratch_;
  Counter resyncs_;
};

}  // namespace weir
