// TcpStreams: the DNS messages of mirrored TCP connections (RFC 9293; RFC 1035 section 4.2.2: each message
// behind its length in two bytes). Each direction is put together by itself, so a tap that shows one of them
// is enough; both share an entry, for the time that setting up the connection took. Segments in any order.
// Time is the packets'. Memory is fixed by the options. Fuzzed. Owner: a packet input, on its ingest lcore.
//
// Each segment is a unit and ends in a message (the first that it completes, or that is completed after it)
// or in a reason. Where bytes are missing, and they do not come within the time-out, or the receiver's
// acknowledgement says that it has them, or too much waits behind them, they are given up: the message that
// they are of is lost (tcp_gap), and reading goes on where the next message plausibly begins, which is also
// how a stream is read whose start was not captured. Of such a one, segments that were overtaken by the first
// one are read with it when they come within a second, and before anything was read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/addr.h"
#include "core/drop.h"
#include "core/metric.h"

namespace weir {

struct TcpOptions {
  uint32_t streams = 65'536;     // connections at the same time; one more gives up the one idle longest,
                                 // those that never carried data first
  uint32_t memory = 32U << 20U;  // bytes of segments and unfinished messages; at least one stream's
  uint32_t stream_memory = 256U << 10U;        // the most of one direction of a connection; 142 KiB at least
  uint64_t gap_timeout_ns = 2'000'000'000;     // that missing bytes are waited for
  uint64_t idle_timeout_ns = 120'000'000'000;  // without a segment: the connection is over
  bool operator==(const TcpOptions&) const = default;
};

struct Segment {
  Endpoint src;
  Endpoint dst;
  uint32_t flow = 0;  // flow_hash() of the two
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;                 // as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16
  std::span<const uint8_t> payload;  // as captured
  uint32_t wire_len = 0;             // of the payload; more than its size where the capture cut it
  uint32_t units = 1;                // packets that it came in
};

struct StreamMessage {
  Endpoint src;
  Endpoint dst;
  uint32_t flow = 0;
  std::span<const uint8_t> bytes;  // without the length before it; valid until pop()
  uint32_t wire_len = 0;           // what that length says; more than bytes.size() where the capture cut it
  uint32_t units = 0;     // segments that end in this message; 0: its segment completed another before
  uint64_t time_ns = 0;   // of the segment that completed it
  uint64_t setup_ns = 0;  // from SYN to the ACK of the SYN-ACK; see has_setup
  bool has_setup = false;
};

class TcpStreams {
 public:
  // seed: of the hash, secret.
  TcpStreams(const TcpOptions& options, uint64_t seed);
  ~TcpStreams();

  // Precondition: front() is nullptr. Segments that are given up are counted in `drops`, which outlives the
  // messages' pop(). Messages may be of another connection, whose time was over.
  void take(const Segment& segment, uint64_t time_ns, DropCounters& drops) noexcept;
  // The next message of what was taken, or nullptr. Its bytes may be the segment's: front() and pop() until
  // nullptr before the segment's memory is used for something else.
  [[nodiscard]] const StreamMessage* front() noexcept;
  // The message was written.
  void pop() noexcept;
  // Nothing follows, front() is nullptr: gaps are given up, messages that can be read behind them are at
  // front() (call again until it gives false), the rest is counted as tcp_unfinished. true: there may be
  // more. Afterwards no connection is remembered.
  [[nodiscard]] bool flush(DropCounters& drops) noexcept;

  // Segments that wait, those of front() too. Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept;
  void describe(MetricVisitor& visitor, const Labels& owner) const;
  // Bytes that it may come to hold, for the plan.
  static size_t memory_bytes(const TcpOptions& options) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir
