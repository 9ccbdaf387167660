#include "decoder/matcher.h"

#include <algorithm>

#include "core/clock.h"
#include "core/dns/name.h"
#include "core/dns/wire_reader.h"
#include "core/same_endpoint.h"
#include "decoder/question_hash.h"

namespace weir {
namespace {

constexpr uint16_t kMaxRetransmissions = 0xffff;

uint64_t distance(uint64_t a, uint64_t b) noexcept { return a > b ? a - b : b - a; }

}  // namespace

Matcher::Matcher(const DecodeOptions& options, EventSink& sink, uint64_t seed)
    : dns_ports_(options.dns_ports),
      timeout_ns_(options.match_timeout_ms * kNsPerMs),
      reorder_ns_(options.reorder_ms * kNsPerMs),
      sink_(sink),
      hash_(seed),
      room_(options.table_entries, timeout_ns_, reorder_ns_),
      marks_(options.table_entries),
      whole_transfers_(options.whole_transfers),
      transfers_(timeout_ns_, sink) {}

bool Matcher::same_endpoints(const Leg& leg, const Waiting& entry) noexcept {
  return leg.dns.id == entry.dns.id && leg.tcp == entry.tcp && same_endpoint(*leg.client, entry.client) &&
         same_endpoint(*leg.server, entry.server);
}

// A message without a question may belong to any.
bool Matcher::may_belong(const Leg& leg, const Waiting& entry) const noexcept {
  const DnsMessage& a = leg.dns;
  const DnsMessage& b = entry.dns;
  if (!a.has_question || !b.has_question) return true;
  return a.qname_len == b.qname_len && a.qtype == b.qtype && a.qclass == b.qclass &&
         names_equal({leg.wire.data() + kDnsHeaderLen, a.qname_len},
                     {room_.table.wire_start(entry) + kDnsHeaderLen, b.qname_len});
}

bool Matcher::in_time(uint64_t query_ns, uint64_t response_ns) const noexcept {
  return response_ns >= query_ns ? response_ns - query_ns <= timeout_ns_
                                 : query_ns - response_ns <= reorder_ns_;
}

template <class Matches>
bool Matcher::is_marked(const Key& key, Matches&& matches) noexcept {
  const auto compare = [&](const DoneMark& mark) {
    compared_.add(1);
    return matches(mark);
  };
  return marks_.find(key.flow_id, compare) != nullptr ||
         (marks_.any_by_message() && marks_.find(hash_.join(key.flow_id, key.wire), compare) != nullptr);
}

bool Matcher::is_copy_of_query(const Leg& leg, const Key& key) noexcept {
  return is_marked(key, [&](const DoneMark& mark) {
    if (mark.query_wire != static_cast<uint32_t>(key.wire)) return false;
    // Before the response it would have joined the query, had it been captured in order.
    const bool before_response = leg.time_ns >= mark.query_time_ns && leg.time_ns <= mark.response_time_ns;
    return before_response || distance(leg.time_ns, mark.query_time_ns) <= reorder_ns_;
  });
}

bool Matcher::is_copy_of_response(const Leg& leg, const Key& key) noexcept {
  return is_marked(key, [&](const DoneMark& mark) {
    return mark.response_wire == static_cast<uint32_t>(key.wire) &&
           distance(leg.time_ns, mark.response_time_ns) <= timeout_ns_;
  });
}

void Matcher::mark_done(const Leg& leg, const Key& key, const Waiting& other) noexcept {
  if (leg.tcp) return;
  const uint64_t query_wire = leg.response ? other.wire_hash : key.wire;
  const uint64_t response_wire = leg.response ? key.wire : other.wire_hash;
  DoneMark mark = {.hash = key.flow_id,
                   .query_time_ns = leg.response ? other.time_ns : leg.time_ns,
                   .response_time_ns = leg.response ? leg.time_ns : other.time_ns,
                   .query_wire = static_cast<uint32_t>(query_wire),
                   .response_wire = static_cast<uint32_t>(response_wire)};
  if (!marks_.crowded(key.flow_id)) return marks_.add(mark);
  for (const uint64_t wire : {query_wire, response_wire}) {
    mark.hash = hash_.join(key.flow_id, wire);
    marks_.add_by_message(mark);
  }
}

bool Matcher::take(const Frame& frame, uint64_t flow_id) noexcept {
  Timeline& timeline = room_.clock.advance(frame, frame.time_ns, frame.arrival_ns);
  // Once a frame: what evictions bring to the front is looked at with the next one, whether the sink had room
  // for them or not.
  if (!expired_ && !expire(timeline)) return false;
  const Leg leg(frame, dns_ports_);
  bool taken = false;
  if (!leg.dns.has_header || leg.kept.size() > WireStore::kMaxWire) {
    taken = write_leg(leg);
  } else {
    bool of_transfer = false;
    if (leg.tcp && !transfers_.none() && !transfers_.take(leg, flow_id, of_transfer)) {
      expired_ = true;
      return false;
    }
    const Key key = {.flow_id = flow_id, .wire = hash_.bytes(leg.wire)};
    taken = of_transfer    ? true
            : leg.response ? take_response(leg, key, timeline)
                           : take_query(leg, key, timeline);
  }
  expired_ = !taken;
  return taken;
}

// Calls visit(entry), which may remove it, for all that the leg may concern, until one gives false.
template <class Visit>
bool Matcher::each_candidate(const Leg& leg, const Key& key, Visit&& visit) noexcept {
  uint64_t hashes[3] = {key.flow_id};
  size_t count = 1;
  if (room_.table.by_question() != 0) {
    hashes[count++] = question_hash(leg, key);
    if (leg.dns.has_question) hashes[count++] = no_question_hash(key);
  }
  for (size_t i = 0; i < count; ++i) {
    Waiting* next = nullptr;
    for (Waiting* entry = room_.table.find(hashes[i]); entry != nullptr; entry = next) {
      next = room_.table.find_next(*entry);
      compared_.add(1);
      if (same_endpoints(leg, *entry) && may_belong(leg, *entry) && !visit(*entry)) return false;
    }
  }
  return true;
}

bool Matcher::is_older(const Waiting& entry, const Waiting* than) const noexcept {
  return than == nullptr || room_.table.age(entry) > room_.table.age(*than);
}

bool Matcher::take_query(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  Waiting* asked = nullptr;   // the same question
  Waiting* answer = nullptr;  // of several the oldest
  const bool looked = each_candidate(leg, key, [&](Waiting& entry) {
    if (entry.response) {
      if (in_time(leg.time_ns, entry.time_ns) && is_older(entry, answer)) answer = &entry;
    } else if (leg.dns.has_question == entry.dns.has_question) {
      if (distance(leg.time_ns, entry.time_ns) <= timeout_ns_) {
        if (is_older(entry, asked)) asked = &entry;
      } else if (leg.time_ns > entry.time_ns) {
        return time_out(entry);
      }
    }
    return true;
  });
  if (!looked) return false;
  if (asked != nullptr && !leg.tcp) {
    if (join(*asked, leg)) return true;
    if (!time_out(*asked)) return false;
  }
  if (answer != nullptr) return write_transaction(leg, key, *answer);
  if (!leg.tcp && is_copy_of_query(leg, key)) {
    sink_.drop(Drop::duplicate_query, leg.units);
    return true;
  }
  return wait(leg, key, timeline);
}

// A query that has the question goes before one that may have had any; then the oldest.
bool Matcher::goes_before(const Waiting& query, const Waiting* other) const noexcept {
  if (other == nullptr || query.dns.has_question == other->dns.has_question) return is_older(query, other);
  return query.dns.has_question;
}

bool Matcher::take_response(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  Waiting* query = nullptr;
  bool copy = false;
  const bool looked = each_candidate(leg, key, [&](Waiting& entry) {
    if (entry.response) {
      copy |= entry.wire_hash == key.wire;
    } else if (in_time(entry.time_ns, leg.time_ns)) {
      if (goes_before(entry, query)) query = &entry;
    } else if (leg.time_ns > entry.time_ns) {
      return time_out(entry);
    }
    return true;
  });
  if (!looked) return false;
  // A query that was asked after this response was sent is not what it answers, if it answered one before.
  if (query != nullptr && !leg.tcp && leg.time_ns < query->time_ns && is_copy_of_response(leg, key))
    query = nullptr;
  if (query != nullptr)
    return whole_transfers_ && leg.tcp && TransferProgress::asks(query->dns)
               ? begin_transfer(leg, key, *query)
               : write_transaction(leg, key, *query);
  if (!leg.tcp && (copy || is_copy_of_response(leg, key))) {
    sink_.drop(Drop::duplicate_response, leg.units);
    return true;
  }
  return wait(leg, key, timeline);
}

bool Matcher::join(Waiting& query, const Leg& again) noexcept {
  if (query.retransmissions == kMaxRetransmissions) return false;
  ++query.retransmissions;
  query.units += again.units;
  query.arrival_ns = std::max(query.arrival_ns, again.arrival_ns);
  held_units_.add(again.units);
  retransmissions_.add(1);
  return true;
}

bool Matcher::wait(const Leg& leg, const Key& key, Timeline& timeline) noexcept {
  while (room_.table.full()) {
    if (!evict(room_.oldest(), table_evictions_)) return false;
  }
  while (!room_.table.store_fits(leg.kept.size())) {
    Waiting* response = room_.oldest_response();  // mostly it is these that are long
    if (!evict(response != nullptr ? response : room_.oldest(), store_evictions_)) return false;
  }
  // Last, so that where it stands does not depend on how often there was no room in the sink.
  MatchTable<Waiting>::Place place = {.hash = key.flow_id, .by_question = false};
  if (room_.table.oldest_if_crowded(place.hash) != nullptr) {
    place = {.hash = question_hash(leg, key), .by_question = true};
    Waiting* crowd = room_.table.oldest_if_crowded(place.hash);
    if (crowd != nullptr && !evict(crowd, key_evictions_)) return false;
  }
  room_.table.insert(leg.kept, place, room_.list_of(timeline, leg.response)).set(leg, key.wire);
  held_units_.add(leg.units);
  waiting_.set(room_.table.used());
  store_used_.set(room_.table.store().used());
  return true;
}

void Matcher::remove(Waiting& entry) noexcept {
  held_units_.set(held_units_.get() - entry.units);
  room_.remove(entry);
  waiting_.set(room_.table.used());
  store_used_.set(room_.table.store().used());
}

bool Matcher::expire(const Timeline& timeline) noexcept {
  while (Waiting* entry = room_.due(timeline)) {
    if (!time_out(*entry)) return false;
  }
  return transfers_.none() || transfers_.expire(room_.clock);
}

bool Matcher::pass_time(uint64_t mono_ns) noexcept {
  for (Timeline* timeline = room_.clock.first(); timeline != nullptr;
       timeline = room_.clock.next(*timeline)) {
    PacketClock::pass(*timeline, mono_ns);
    if (!expire(*timeline)) return false;
  }
  return true;
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

bool Matcher::flush(uint16_t input) noexcept {
  while (Waiting* entry = room_.first_of(input)) {
    if (!time_out(*entry)) return false;
  }
  return transfers_.flush(input);
}

bool Matcher::flush() noexcept {
  while (Waiting* entry = room_.oldest()) {
    if (!write_waiting(*entry)) return false;
  }
  return transfers_.flush();
}

void Matcher::abandon() noexcept {
  transfers_.abandon();
  sink_.drop(Drop::decode_shutdown, held_units_.get());
  while (Waiting* entry = room_.oldest()) remove(*entry);
}

// Before the message was walked.
uint64_t Matcher::flow_id_of(const Frame& frame) const noexcept {
  if (frame.kind == FrameKind::dnstap || frame.payload_len < kDnsHeaderLen) return 0;
  const uint8_t* header = frame.payload().data();
  const bool response = (header[2] & 0x80U) != 0;
  const uint64_t flow_id =
      hash_.flow_id(response ? frame.dst : frame.src, response ? frame.src : frame.dst, load_be16(header));
  // What is the same over UDP and over TCP is not a copy.
  return frame.kind == FrameKind::dns_tcp ? ~flow_id : flow_id;
}

uint64_t Matcher::no_question_hash(const Key& key) const noexcept { return hash_.join(key.flow_id, 0); }

uint64_t Matcher::question_hash(const Leg& leg, const Key& key) const noexcept {
  if (!leg.dns.has_question) return no_question_hash(key);
  return hash_.join(key.flow_id, hash_of_question(hash_, leg.wire, leg.dns));
}

Matcher::Ahead Matcher::look_ahead(std::span<const Frame* const> frames) const noexcept {
  Ahead ahead;
  const size_t count = std::min(frames.size(), kAhead);
  for (size_t i = 0; i < count; ++i) {
    ahead.flow_ids[i] = flow_id_of(*frames[i]);
    room_.table.prefetch_bucket(ahead.flow_ids[i]);
    marks_.prefetch_bucket(ahead.flow_ids[i]);
  }
  for (const uint64_t flow_id : std::span(ahead.flow_ids, count)) {
    room_.table.prefetch_entry(flow_id);
    marks_.prefetch_link(flow_id);
  }
  return ahead;
}

void Matcher::describe(MetricVisitor& visitor, const Labels& owner) const {
  const auto with = [&owner](std::string_view key, std::string value) {
    Labels labels = owner;
    labels.push_back({key, std::move(value)});
    return labels;
  };
  const auto number = [](const Counter& counter) { return static_cast<double>(counter.get()); };
  if (whole_transfers_) transfers_.describe(visitor, owner);
  visitor.gauge("weir_match_entries", "Queries and responses that wait for each other in the match table.",
                owner, number(waiting_));
  visitor.gauge("weir_match_capacity",
                "Entries of the match table. Near it, the oldest are written without the other leg: raise "
                "match.table_entries.",
                owner, static_cast<double>(room_.table.capacity()));
  visitor.gauge("weir_match_store_blocks", "Blocks of the match table's store for long messages in use.",
                owner, number(store_used_));
  visitor.gauge("weir_match_store_capacity", "Blocks that the match table's store has.", owner,
                static_cast<double>(room_.table.store().capacity()));
  visitor.counter("weir_match_comparisons_total",
                  "Messages that wait, and written transactions, that packets were compared with. Many times "
                  "the packets: somebody sends many messages of one port and id.",
                  owner, number(compared_));
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
      "its store for long messages (store_full) was full: raise match.table_entries, or lower match.timeout; "
      "or because too many different ones of one question waited (same_key): somebody forges responses.";
  visitor.counter("weir_match_evictions_total", kEvictions, with("reason", "table_full"),
                  number(table_evictions_));
  visitor.counter("weir_match_evictions_total", kEvictions, with("reason", "store_full"),
                  number(store_evictions_));
  visitor.counter("weir_match_evictions_total", kEvictions, with("reason", "same_key"),
                  number(key_evictions_));
}

}  // namespace weir
