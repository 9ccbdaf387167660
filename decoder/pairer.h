// Pairer: joins dnstap queries with dnstap responses (`pair: true`). Frames in, events out; no I/O, no clock.
// Owner: the decode stage; decode lcore; hot path.
//
// A message of an even Message.Type is a response, of an odd one a query. They belong together when they came
// by the same input and have the same client (query_address and query_port; where there is no address, the
// same server), DNS id and question (RFC 5452 section 9.1; names without regard to case; a message without a
// question fits any), and where both tell them the same server and transport protocol. Not the types: BIND
// answers an AUTH_QUERY with a CLIENT_RESPONSE. Nor the identity: dnsdist sets it by rules, of which query
// and response may meet different ones. Of several the one of the type that dnstap.proto puts beside it goes
// before; then that of the nearest query_time, which servers read twice; then the oldest.
//
// A query waits for match_timeout_ms + reorder_ms, a response for reorder_ms: queries and responses of a busy
// server come by several threads and connections. What times out, or is evicted for others, is an event of
// its own, as it would be without pairing. No frame is dropped and none is taken for a copy.
//
// Time is that of arrival in streams, whose senders' clocks need not agree; in files it is the messages'. Of
// files a response also has to be at most match_timeout_ms later than its query by these, and at most
// reorder_ms earlier: so they give the same events on any number of decode lcores, if no message stands more
// than reorder_ms behind its time.
#pragma once

#include <cstdint>

#include "core/counter.h"
#include "core/event.h"
#include "core/frame.h"
#include "core/metric.h"
#include "core/seeded_hash.h"
#include "decoder/decode_options.h"
#include "decoder/event_sink.h"
#include "decoder/waiting_room.h"

namespace weir {

// A dnstap frame in the table: what MatchTable and WaitingRoom ask for, what is compared, and its payload.
struct WaitingFrame {
  static constexpr size_t kInlineWire = 160;

  uint64_t hash;      // that it is found by: of input, client and id, or of these and the question
  uint64_t question;  // its hash; 0: none
  uint64_t time_ns;   // of its input's timeline when it came
  uint64_t arrival_ns;
  uint64_t query_time_ns;  // 0: none
  uint64_t message_ns;     // when it was sent or received: a query's query_time, a response's response_time
  uint32_t next;           // in its bucket, or among the free; 0: none
  uint32_t older;
  uint32_t newer;
  uint32_t order;   // of arrival, over all lists
  uint32_t stored;  // handle in the WireStore, 0: the payload is in `wire`
  uint32_t payload_len;
  int32_t type;
  int32_t protocol;
  bool has_protocol;
  bool by_question;  // what `hash` is of
  uint16_t input;
  Endpoint server;
  Endpoint peer;
  StreamId stream;
  uint8_t wire[kInlineWire];

  [[nodiscard]] bool is_response() const noexcept { return type % 2 == 0; }
  [[nodiscard]] size_t wire_size() const noexcept { return payload_len; }
};
static_assert(sizeof(WaitingFrame) == 320);

class Pairer {
 public:
  // The sink outlives the pairer. Events do not depend on the seed.
  Pairer(const DecodeOptions& options, EventSink& sink, uint64_t seed);

  enum class Taken : uint8_t {
    yes,
    later,  // the sink has no room; what was written is written, call again with the same
    alone,  // for the caller to write: it is not sound, has no DNS header or a type of later schemas, or is
            // longer than WireStore::kMaxWire
  };
  // Precondition: frame.kind is dnstap.
  [[nodiscard]] Taken take(const Frame& frame) noexcept;
  // Each false: the sink has no room, call again. All that arrived before is taken: time goes on for streams.
  [[nodiscard]] bool pass_time(uint64_t mono_ns) noexcept;
  // A place in the order of what came; whether something of the input waits from before it.
  [[nodiscard]] uint32_t place() const noexcept { return room_.table.place(); }
  [[nodiscard]] bool waits(uint16_t input, uint32_t place) noexcept { return room_.waits(input, place); }
  // What waits of the input is written as if its time were over. false: no room, call again.
  [[nodiscard]] bool flush(uint16_t input) noexcept;
  // Nothing follows: what waits is written.
  [[nodiscard]] bool flush() noexcept;
  // The drain time is over: what waits is counted as Drop::decode_shutdown.
  void abandon() noexcept;

  // What one frame is compared with at most: by client and id, by question, without a question.
  static constexpr size_t kMaxCompared = 3 * MatchTable<WaitingFrame>::kMaxPerHash;

  // Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept { return waiting_.get(); }
  [[nodiscard]] uint64_t compared() const noexcept { return compared_.get(); }
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  struct Incoming;

  Timeline& advance(const Frame& frame, const Event& event) noexcept;
  WaitingFrame* partner_of(const Incoming& incoming) noexcept;
  [[nodiscard]] bool in_time(const Incoming& incoming, const WaitingFrame& entry) const noexcept;
  [[nodiscard]] bool goes_before(const Incoming& incoming, const WaitingFrame& entry,
                                 const WaitingFrame* other) const noexcept;
  [[nodiscard]] EventSink::Room join(const Incoming& incoming, WaitingFrame& other) noexcept;
  [[nodiscard]] bool wait(const Incoming& incoming, Timeline& timeline) noexcept;

  [[nodiscard]] bool expire(const Timeline& timeline) noexcept;
  [[nodiscard]] bool time_out(WaitingFrame& entry) noexcept;
  [[nodiscard]] bool evict(WaitingFrame* entry, Counter& reason) noexcept;
  [[nodiscard]] bool write_waiting(WaitingFrame& entry) noexcept;
  void remove(WaitingFrame& entry) noexcept;
  void show_use() noexcept;

  uint64_t timeout_ns_;
  uint64_t reorder_ns_;
  EventSink& sink_;
  SeededHash hash_;
  WaitingRoom<WaitingFrame> room_;

  Counter waiting_;
  Counter compared_;
  Counter store_used_;
  Counter pairs_;
  Counter query_timeouts_;
  Counter response_timeouts_;
  Counter table_evictions_;
  Counter store_evictions_;
  Counter key_evictions_;
};

}  // namespace weir
