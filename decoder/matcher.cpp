#include "decoder/matcher.h"

#include <algorithm>
#include <cstring>

#include "core/clock.h"
#include "core/dns/name.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

constexpr uint16_t kMaxUnits = 0xfffe;  // an answer is one more, and an event counts its units in 16 bits

uint64_t distance(uint64_t a, uint64_t b) noexcept { return a > b ? a - b : b - a; }

}  // namespace

Matcher::Matcher(const DecodeOptions& options, EventSink& sink, uint64_t seed)
    : dns_ports_(options.dns_ports),
      timeout_ns_(options.match_timeout_ms * kNsPerMs),
      reorder_ns_(options.reorder_ms * kNsPerMs),
      sink_(sink),
      hash_(seed),
      table_(options.table_entries),
      marks_(options.table_entries),
      clock_(timeout_ns_ + reorder_ns_) {}

bool Matcher::same_endpoints(const Leg& leg, const Waiting& entry) noexcept {
  return leg.dns.id == entry.dns.id && *leg.client == entry.client && *leg.server == entry.server;
}

bool Matcher::same_question(const Leg& leg, const Waiting& entry) const noexcept {
  const DnsMessage& a = leg.dns;
  const DnsMessage& b = entry.dns;
  if (!a.has_question || !b.has_question) return a.has_question == b.has_question;
  return a.qname_len == b.qname_len && a.qtype == b.qtype && a.qclass == b.qclass &&
         names_equal({leg.wire.data() + kDnsHeaderLen, a.qname_len},
                     {table_.wire_start(entry) + kDnsHeaderLen, b.qname_len});
}

bool Matcher::may_belong(const Leg& leg, const Waiting& entry) const noexcept {
  return !leg.dns.has_question || !entry.dns.has_question || same_question(leg, entry);
}

bool Matcher::in_time(uint64_t query_ns, uint64_t response_ns) const noexcept {
  return response_ns >= query_ns ? response_ns - query_ns <= timeout_ns_
                                 : query_ns - response_ns <= reorder_ns_;
}

bool Matcher::is_copy_of_query(const Leg& leg, const Key& key) const noexcept {
  return marks_.find(key.hash, [&](const DoneMark& mark) {
    if (mark.query_wire != key.wire_hash) return false;
    // Before the response it would have joined the query, had it been captured in order.
    const bool before_response = leg.time_ns >= mark.query_time_ns && leg.time_ns <= mark.response_time_ns;
    return before_response || distance(leg.time_ns, mark.query_time_ns) <= reorder_ns_;
  }) != nullptr;
}

bool Matcher::is_copy_of_response(const Leg& leg, const Key& key) const noexcept {
  return marks_.find(key.hash, [&](const DoneMark& mark) {
    return mark.response_wire == key.wire_hash && distance(leg.time_ns, mark.response_time_ns) <= timeout_ns_;
  }) != nullptr;
}

bool Matcher::take(const Frame& frame) noexcept {
  Timeline& timeline = clock_.advance(frame);
  if (!expire(timeline)) return false;
  const Leg leg(frame, dns_ports_);
  if (!leg.dns.has_header || leg.wire.size() > WireStore::kMaxWire) return write_leg(leg);
  const Key key = {.hash = hash_.key(*leg.client, *leg.server, leg.dns.id),
                   .wire_hash = static_cast<uint32_t>(hash_.bytes(leg.wire))};
  return leg.response ? take_response(leg, key, timeline) : take_query(leg, key, timeline);
}

bool Matcher::take_query(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  Waiting* asked = nullptr;   // the same question
  Waiting* answer = nullptr;  // of several the oldest: entries come newest first
  Waiting* before = nullptr;
  for (Waiting* entry = table_.find(key.hash); entry != nullptr; entry = before) {
    before = table_.find_next(*entry);
    if (!same_endpoints(leg, *entry)) continue;
    if (entry->response) {
      if (may_belong(leg, *entry) && in_time(leg.time_ns, entry->time_ns)) answer = entry;
    } else if (same_question(leg, *entry)) {
      if (distance(leg.time_ns, entry->time_ns) <= timeout_ns_) {
        asked = entry;
      } else if (leg.time_ns > entry->time_ns && !time_out(*entry)) {
        return false;
      }
    }
  }
  if (asked != nullptr) {
    if (join(*asked, leg)) return true;
    if (!time_out(*asked)) return false;
  }
  if (answer != nullptr) return write_transaction(leg, key, *answer);
  if (is_copy_of_query(leg, key)) {
    sink_.drop(Drop::duplicate_query, 1);
    return true;
  }
  return wait(leg, key, timeline);
}

bool Matcher::take_response(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  Waiting* query = nullptr;
  bool copy = false;
  Waiting* before = nullptr;
  for (Waiting* entry = table_.find(key.hash); entry != nullptr; entry = before) {
    before = table_.find_next(*entry);
    if (!same_endpoints(leg, *entry)) continue;
    if (entry->response) {
      copy |= entry->wire_hash == key.wire_hash && entry->dns.wire.len == leg.wire.size();
    } else if (may_belong(leg, *entry)) {
      if (in_time(entry->time_ns, leg.time_ns)) {
        // A query that has the question goes before one that may have had any; then the oldest.
        if (query == nullptr || entry->dns.has_question || !query->dns.has_question) query = entry;
      } else if (leg.time_ns > entry->time_ns && !time_out(*entry)) {
        return false;
      }
    }
  }
  // A query that was asked after this response was sent is not what it answers, if it answered one before.
  if (query != nullptr && leg.time_ns < query->time_ns && is_copy_of_response(leg, key)) query = nullptr;
  if (query != nullptr) return write_transaction(leg, key, *query);
  if (copy || is_copy_of_response(leg, key)) {
    sink_.drop(Drop::duplicate_response, 1);
    return true;
  }
  return wait(leg, key, timeline);
}

bool Matcher::join(Waiting& query, const Leg& again) noexcept {
  if (query.units >= kMaxUnits) return false;
  ++query.units;
  query.arrival_ns = std::max(query.arrival_ns, again.arrival_ns);
  held_units_.add(1);
  retransmissions_.add(1);
  return true;
}

bool Matcher::wait(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  while (table_.full()) {
    if (!evict(oldest(), table_evictions_)) return false;
  }
  while (!table_.store_fits(leg.wire.size())) {
    Waiting* response = oldest_response();  // mostly it is these that are long
    if (!evict(response != nullptr ? response : oldest(), store_evictions_)) return false;
  }
  table_.insert(leg, key.hash, key.wire_hash, leg.response ? timeline.responses : timeline.queries);
  held_units_.add(1);
  waiting_.set(table_.used());
  store_used_.set(table_.store().used());
  return true;
}

void Matcher::remove(Waiting& entry) noexcept {
  Timeline& timeline = clock_.of(entry.input);
  held_units_.set(held_units_.get() - entry.units);
  table_.remove(entry, entry.response ? timeline.responses : timeline.queries);
  waiting_.set(table_.used());
  store_used_.set(table_.store().used());
}

bool Matcher::is_due(const Waiting& entry, uint64_t now_ns) const noexcept {
  if (entry.time_ns > now_ns) return true;  // from before the clock was set back
  // A response may be captured late by reorder_ms: a query waits so much longer.
  return now_ns - entry.time_ns > (entry.response ? reorder_ns_ : timeout_ns_ + reorder_ns_);
}

bool Matcher::expire(Timeline& timeline) noexcept {
  for (const WaitList* list : {&timeline.queries, &timeline.responses}) {
    for (Waiting* entry = nullptr;
         (entry = table_.oldest(*list)) != nullptr && is_due(*entry, timeline.now_ns);) {
      if (!time_out(*entry)) return false;
    }
  }
  return true;
}

bool Matcher::pass_time(uint64_t mono_ns) noexcept {
  for (Timeline* timeline = clock_.first(); timeline != nullptr; timeline = clock_.next(*timeline)) {
    PacketClock::pass(*timeline, mono_ns);
    if (!expire(*timeline)) return false;
  }
  return true;
}

Waiting* Matcher::oldest_response() noexcept {
  Waiting* oldest = nullptr;
  for (Timeline* timeline = clock_.first(); timeline != nullptr; timeline = clock_.next(*timeline)) {
    Waiting* entry = table_.oldest(timeline->responses);
    if (entry != nullptr && (oldest == nullptr || table_.age(*entry) > table_.age(*oldest))) oldest = entry;
  }
  return oldest;
}

Waiting* Matcher::oldest() noexcept {
  Waiting* oldest = oldest_response();
  for (Timeline* timeline = clock_.first(); timeline != nullptr; timeline = clock_.next(*timeline)) {
    Waiting* entry = table_.oldest(timeline->queries);
    if (entry != nullptr && (oldest == nullptr || table_.age(*entry) > table_.age(*oldest))) oldest = entry;
  }
  return oldest;
}

bool Matcher::time_out(Waiting& entry) noexcept {
  Counter& timeouts = entry.response ? response_timeouts_ : query_timeouts_;
  if (!write_waiting(entry)) return false;
  timeouts.add(1);
  return true;
}

bool Matcher::evict(Waiting* entry, Counter& reason) noexcept {
  if (!write_waiting(*entry)) return false;
  reason.add(1);
  return true;
}

bool Matcher::flush() noexcept {
  for (Waiting* entry = nullptr; (entry = oldest()) != nullptr;) {
    if (!write_waiting(*entry)) return false;
  }
  return true;
}

void Matcher::abandon() noexcept {
  sink_.drop(Drop::decode_shutdown, held_units_.get());
  for (Waiting* entry = nullptr; (entry = oldest()) != nullptr;) remove(*entry);
}

// The key's hash, before the message was walked.
uint64_t Matcher::hash_of(const Frame& frame) const noexcept {
  const uint8_t* header = frame.payload().data();
  const bool response = (header[2] & 0x80U) != 0;
  return hash_.key(response ? frame.dst : frame.src, response ? frame.src : frame.dst, load_be16(header));
}

void Matcher::prefetch(std::span<const Frame* const> frames) const noexcept {
  uint64_t hashes[kAhead];
  size_t count = 0;
  for (const Frame* frame : frames.first(std::min(frames.size(), kAhead))) {
    if (frame->kind != FrameKind::dns_udp || frame->payload_len < kDnsHeaderLen) continue;
    hashes[count] = hash_of(*frame);
    table_.prefetch_bucket(hashes[count]);
    marks_.prefetch_bucket(hashes[count]);
    ++count;
  }
  for (const uint64_t hash : std::span(hashes, count)) {
    table_.prefetch_entry(hash);
    marks_.prefetch_link(hash);
  }
}

void Matcher::describe(MetricVisitor& visitor, const Labels& owner) const {
  const auto with = [&owner](std::string_view key, std::string value) {
    Labels labels = owner;
    labels.push_back({key, std::move(value)});
    return labels;
  };
  const auto number = [](const Counter& counter) { return static_cast<double>(counter.get()); };
  visitor.gauge("weir_match_entries", "Queries and responses that wait for each other in the match table.",
                owner, number(waiting_));
  visitor.gauge("weir_match_capacity",
                "Entries of the match table. Near it, the oldest are written without the other leg: raise "
                "match.table_entries.",
                owner, static_cast<double>(table_.capacity()));
  visitor.gauge("weir_match_store_blocks", "Blocks of the match table's store for long messages in use.",
                owner, number(store_used_));
  visitor.gauge("weir_match_store_capacity", "Blocks that the match table's store has.", owner,
                static_cast<double>(table_.store().capacity()));
  visitor.counter("weir_match_transactions_total", "Queries written together with their response.", owner,
                  number(transactions_));
  visitor.counter("weir_match_retransmissions_total",
                  "Queries that came again while the first was waiting; they are in its event's units.",
                  owner, number(retransmissions_));
  constexpr std::string_view kTimeouts =
      "Messages written alone because the other leg did not come in time. Many responses: the mirror misses "
      "queries, or raise match.reorder. Many queries: the mirror misses responses, or servers do not "
      "answer.";
  visitor.counter("weir_match_timeouts_total", kTimeouts, with("leg", "query"), number(query_timeouts_));
  visitor.counter("weir_match_timeouts_total", kTimeouts, with("leg", "response"),
                  number(response_timeouts_));
  constexpr std::string_view kEvictions =
      "Messages written alone, before their time was over, because the match table (reason table_full) or "
      "its "
      "store for long messages (store_full) was full: raise match.table_entries, or lower "
      "match.timeout.";
  visitor.counter("weir_match_evictions_total", kEvictions, with("reason", "table_full"),
                  number(table_evictions_));
  visitor.counter("weir_match_evictions_total", kEvictions, with("reason", "store_full"),
                  number(store_evictions_));
}

}  // namespace weir
