// Matcher: joins mirrored queries with their responses. Frames in, events out; no I/O, no clock: time is the
// packets'. Owner: the decode stage; decode lcore; hot path.
//
// A response answers a query when transport, both endpoints, the id and the question are the same (RFC 5452
// section 9.1; names without regard to case, for resolvers scramble it; a message without a question matches
// any) and it came at most match_timeout_ms after it, or at most reorder_ms before it: whatever order they
// were captured in. Copies of datagrams, in whatever order:
//   - a query that is waiting takes in the same question asked again: one event, one unit more;
//   - a response that is the same, byte for byte, as one that waits or was written less than match_timeout_ms
//     ago is filtered (Drop::duplicate_response);
//   - so is a query that is the same as that of a transaction that was written, when its packet time lies
//     before the response, or within reorder_ms of the first copy (Drop::duplicate_query). Later, it is asked
//     anew.
// TCP has no copies here: a segment that comes again ends as Drop::tcp_duplicate, so what is asked again on a
// connection is asked anew.
// All of these compare packet times, so that events do not depend on when time-outs are looked for.
//
// A packet is compared with at most kMaxCompared others, whatever is sent. So of one flow and id a message
// without a question finds only the first kMaxPerHash that wait; of different responses to one question at
// most twice as many wait; and see DoneMarks::find.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/counter.h"
#include "core/metric.h"
#include "core/seeded_hash.h"
#include "decoder/decode_options.h"
#include "decoder/done_marks.h"
#include "decoder/event_sink.h"
#include "decoder/leg.h"
#include "decoder/transfers.h"
#include "decoder/waiting_room.h"

namespace weir {

// A leg in the match table: what MatchTable and WaitingRoom ask for, and what the matcher compares.
struct Waiting {
  static constexpr size_t kInlineWire = 80;

  uint64_t hash;       // that it is found by
  uint64_t wire_hash;  // SeededHash::bytes
  uint64_t time_ns;
  uint64_t arrival_ns;
  uint32_t next;  // in its bucket, or among the free; 0: none
  uint32_t older;
  uint32_t newer;
  uint32_t order;   // of arrival, over all lists
  uint32_t stored;  // handle in the WireStore, 0: the message is in `wire`
  uint32_t units;
  uint16_t input;
  uint16_t retransmissions;
  uint8_t info_len;  // of PacketInfo, behind the message
  bool tcp;
  bool response;
  bool by_question;  // what `hash` is of
  Endpoint client;
  Endpoint server;
  DnsMessage dns;
  uint8_t wire[kInlineWire];  // and the PacketInfo

  [[nodiscard]] bool is_response() const noexcept { return response; }
  [[nodiscard]] size_t wire_size() const noexcept { return dns.wire.len + size_t{info_len}; }
  void set(const Leg& leg, uint64_t hash_of_wire) noexcept {
    wire_hash = hash_of_wire;
    time_ns = leg.time_ns;
    arrival_ns = leg.arrival_ns;
    input = leg.input;
    units = leg.units;
    retransmissions = 0;
    info_len = static_cast<uint8_t>(leg.kept.size() - leg.wire.size());
    tcp = leg.tcp;
    response = leg.response;
    client = *leg.client;
    server = *leg.server;
    dns = leg.dns;
  }
};
static_assert(sizeof(Waiting) == 256);

class Matcher {
 public:
  // The sink outlives the matcher. Events do not depend on the seed.
  Matcher(const DecodeOptions& options, EventSink& sink, uint64_t seed);

  // A few frames ahead of take(), and what it takes them with: brings the lines of the tables that it will
  // read, all at the same time.
  static constexpr size_t kAhead = 8;
  struct Ahead {
    uint64_t flow_ids[kAhead];
  };
  [[nodiscard]] Ahead look_ahead(std::span<const Frame* const> frames) const noexcept;

  // Of what waits: by flow and id, by question, without a question. Of what was written: by flow and id and
  // by message, for a response twice.
  static constexpr size_t kMaxCompared = 3 * MatchTable<Waiting>::kMaxPerHash + 4 * DoneMarks::kMaxPerHash;

  // Each false: the sink has no room; what was written is written, call again with the same.
  [[nodiscard]] bool take(const Frame& frame, uint64_t flow_id) noexcept;
  [[nodiscard]] bool take(const Frame& frame) noexcept { return take(frame, flow_id_of(frame)); }
  // No frame waits: time goes on for live inputs.
  [[nodiscard]] bool pass_time(uint64_t mono_ns) noexcept;
  // A place in the order of what came; whether something of the input waits from before it.
  [[nodiscard]] uint32_t place() const noexcept { return room_.table.place(); }
  [[nodiscard]] bool waits(uint16_t input, uint32_t place) noexcept {
    return room_.waits(input, place) || transfers_.waits(input);
  }
  // What waits of the input is written as if its time were over. false: no room, call again.
  [[nodiscard]] bool flush(uint16_t input) noexcept;
  // Nothing follows: what waits is written.
  [[nodiscard]] bool flush() noexcept;
  // The drain time is over: what waits is counted as Drop::decode_shutdown.
  void abandon() noexcept;

  // Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept { return held_units_.get() + transfers_.held_units(); }
  [[nodiscard]] uint64_t compared() const noexcept { return compared_.get(); }
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  struct Key {
    uint64_t flow_id;  // hash of who asks whom, with which id
    uint64_t wire;     // of every byte of the message
  };

  template <class Visit>
  bool each_candidate(const Leg& leg, const Key& key, Visit&& visit) noexcept;
  [[nodiscard]] bool goes_before(const Waiting& query, const Waiting* other) const noexcept;
  [[nodiscard]] bool is_older(const Waiting& entry, const Waiting* than) const noexcept;
  bool take_query(const Leg& leg, const Key& key, Timeline& timeline) noexcept;
  bool take_response(const Leg& leg, const Key& key, Timeline& timeline) noexcept;
  bool join(Waiting& query, const Leg& again) noexcept;
  bool wait(const Leg& leg, const Key& key, Timeline& timeline) noexcept;

  [[nodiscard]] bool expire(const Timeline& timeline) noexcept;
  [[nodiscard]] bool time_out(Waiting& entry) noexcept;
  [[nodiscard]] bool evict(Waiting* entry, Counter& reason) noexcept;

  [[nodiscard]] bool write_leg(const Leg& leg) noexcept;
  [[nodiscard]] bool write_waiting(Waiting& entry) noexcept;
  void mark_done(const Leg& leg, const Key& key, const Waiting& other) noexcept;
  [[nodiscard]] bool begin_transfer(const Leg& leg, const Key& key, Waiting& query) noexcept;
  [[nodiscard]] bool write_transaction(const Leg& leg, const Key& key, Waiting& other) noexcept;
  void remove(Waiting& entry) noexcept;

  [[nodiscard]] uint64_t flow_id_of(const Frame& frame) const noexcept;
  [[nodiscard]] uint64_t no_question_hash(const Key& key) const noexcept;
  [[nodiscard]] uint64_t question_hash(const Leg& leg, const Key& key) const noexcept;
  [[nodiscard]] static bool same_endpoints(const Leg& leg, const Waiting& entry) noexcept;
  [[nodiscard]] bool may_belong(const Leg& leg, const Waiting& entry) const noexcept;
  [[nodiscard]] bool in_time(uint64_t query_ns, uint64_t response_ns) const noexcept;
  template <class Matches>
  [[nodiscard]] bool is_marked(const Key& key, Matches&& matches) noexcept;
  [[nodiscard]] bool is_copy_of_query(const Leg& leg, const Key& key) noexcept;
  [[nodiscard]] bool is_copy_of_response(const Leg& leg, const Key& key) noexcept;

  std::vector<uint16_t> dns_ports_;
  uint64_t timeout_ns_;
  uint64_t reorder_ns_;
  EventSink& sink_;
  SeededHash hash_;
  WaitingRoom<Waiting> room_;
  DoneMarks marks_;
  bool whole_transfers_;
  Transfers transfers_;
  bool expired_ = false;  // what was due for the frame that take() had no room for

  Counter held_units_;
  Counter compared_;
  Counter waiting_;
  Counter store_used_;
  Counter transactions_;
  Counter retransmissions_;
  Counter query_timeouts_;
  Counter response_timeouts_;
  Counter table_evictions_;
  Counter store_evictions_;
  Counter key_evictions_;
};

}  // namespace weir
