#include "decoder/pairer.h"

#include <algorithm>
#include <cstring>

#include "core/clock.h"
#include "decoder/dnstap.h"
#include "decoder/dnstap_pair.h"
#include "decoder/question_hash.h"

namespace weir {
namespace {

constexpr int32_t kLastType = 14;  // Message.Type UPDATE_RESPONSE

bool is_response(const Event& event) noexcept { return event.type % 2 == 0; }

// Without a header there is no id, and addresses alone do not tell one question from the next.
bool can_pair(const Event& event) noexcept {
  return event.type >= 1 && event.type <= kLastType && event.having(&DnsMessage::has_header).has_header;
}

// 0: it does not tell.
uint64_t message_ns(const Event& event) noexcept {
  if (is_response(event) && event.has_response_time) return event.response_time_ns;
  return event.has_query_time ? event.query_time_ns : 0;
}

bool agree(const Endpoint& a, const Endpoint& b) noexcept {
  return (!a.addr.present() || !b.addr.present() || a.addr == b.addr) &&
         (!a.has_port || !b.has_port || a.port == b.port);
}

uint64_t distance(uint64_t a, uint64_t b) noexcept { return a > b ? a - b : b - a; }

}  // namespace

// A frame that came, walked.
struct Pairer::Incoming {
  Incoming(const Frame& taken, const Event& walked, const SeededHash& hash) noexcept
      : frame(taken), event(walked), response(is_response(walked)) {
    const Endpoint nobody;
    const uint16_t id = event.having(&DnsMessage::has_header).id;
    const Endpoint& server = event.client.addr.present() ? nobody : event.server;
    flow = hash.join(hash.flow_id(event.client, server, id), frame.input);
    const DnsMessage& dns = event.having(&DnsMessage::has_question);
    if (!dns.has_question) return;
    const auto wire = frame.payload().subspan(dns.wire.off, dns.wire.len);
    question = hash_of_question(hash, wire, dns);
  }

  [[nodiscard]] uint64_t query_time_ns() const noexcept {
    return event.has_query_time ? event.query_time_ns : 0;
  }
  [[nodiscard]] bool fits(const WaitingFrame& entry) const noexcept {
    return entry.is_response() != response &&
           (question == 0 || entry.question == 0 || question == entry.question) &&
           (!event.has_protocol || !entry.has_protocol || event.protocol == entry.protocol) &&
           agree(event.server, entry.server);
  }
  // dnstap.proto numbers a response one above its query.
  [[nodiscard]] bool is_partner_type(int32_t type) const noexcept {
    return response ? type + 1 == event.type : event.type + 1 == type;
  }

  const Frame& frame;
  const Event& event;
  bool response;
  uint64_t flow = 0;
  uint64_t question = 0;
};

Pairer::Pairer(const DecodeOptions& options, EventSink& sink, uint64_t seed)
    : timeout_ns_(options.match_timeout_ms * kNsPerMs),
      reorder_ns_(options.reorder_ms * kNsPerMs),
      sink_(sink),
      hash_(seed),
      room_(options.table_entries, timeout_ns_, reorder_ns_) {}

Pairer::Taken Pairer::take(const Frame& frame) noexcept {
  Event event;
  if (walk_dnstap(frame.payload(), event) != DnstapResult::ok) return Taken::alone;
  Timeline& timeline = advance(frame, event);
  if (!expire(timeline)) return Taken::later;
  if (!can_pair(event)) return Taken::alone;
  const Incoming incoming(frame, event, hash_);
  if (WaitingFrame* partner = partner_of(incoming)) {
    const EventSink::Room room = join(incoming, *partner);
    if (room == EventSink::Room::yes) return Taken::yes;
    if (room == EventSink::Room::later) return Taken::later;
    // Together they fit no batch: each is written alone when its time is over.
  }
  if (frame.payload_len > WireStore::kMaxWire) return Taken::alone;
  return wait(incoming, timeline) ? Taken::yes : Taken::later;
}

Timeline& Pairer::advance(const Frame& frame, const Event& event) noexcept {
  uint64_t now = room_.clock.of(frame.input).now_ns;
  if (frame.live) {
    now = std::max(now, frame.arrival_ns);  // several ingest lcores: not in order
  } else if (const uint64_t time = message_ns(event); time != 0) {
    now = time;
  }
  return room_.clock.advance(frame, now, now);
}

WaitingFrame* Pairer::partner_of(const Incoming& incoming) noexcept {
  uint64_t hashes[3] = {incoming.flow};
  size_t count = 1;
  if (room_.table.by_question() != 0) {
    hashes[count++] = hash_.join(incoming.flow, 0);
    if (incoming.question != 0) hashes[count++] = hash_.join(incoming.flow, incoming.question);
  }
  WaitingFrame* partner = nullptr;
  for (size_t i = 0; i < count; ++i) {
    for (WaitingFrame* entry = room_.table.find(hashes[i]); entry != nullptr;
         entry = room_.table.find_next(*entry)) {
      compared_.add(1);
      if (incoming.fits(*entry) && in_time(incoming, *entry) && goes_before(incoming, *entry, partner))
        partner = entry;
    }
  }
  return partner;
}

bool Pairer::in_time(const Incoming& incoming, const WaitingFrame& entry) const noexcept {
  const uint64_t here = message_ns(incoming.event);
  if (incoming.frame.live || here == 0 || entry.message_ns == 0) return true;
  const uint64_t asked = incoming.response ? entry.message_ns : here;
  const uint64_t answered = incoming.response ? here : entry.message_ns;
  return answered >= asked ? answered - asked <= timeout_ns_ : asked - answered <= reorder_ns_;
}

bool Pairer::goes_before(const Incoming& incoming, const WaitingFrame& entry,
                         const WaitingFrame* other) const noexcept {
  if (other == nullptr) return true;
  const bool is_partner = incoming.is_partner_type(entry.type);
  if (is_partner != incoming.is_partner_type(other->type)) return is_partner;
  if (const uint64_t time = incoming.query_time_ns(); time != 0) {
    const auto away = [time](const WaitingFrame& waiting) {
      return waiting.query_time_ns == 0 ? UINT64_MAX : distance(time, waiting.query_time_ns);
    };
    if (away(entry) != away(*other)) return away(entry) < away(*other);
  }
  return room_.table.age(entry) > room_.table.age(*other);
}

EventSink::Room Pairer::join(const Incoming& incoming, WaitingFrame& other) noexcept {
  const std::span<const uint8_t> payload = incoming.frame.payload();
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(payload.size() + other.payload_len, event);
  if (room != EventSink::Room::yes) return room;
  // The query's payload first.
  event->query_frame_len = incoming.response ? other.payload_len : incoming.frame.payload_len;
  const uint32_t here_off = incoming.response ? event->query_frame_len : 0;
  const uint32_t there_off = incoming.response ? 0 : event->query_frame_len;
  uint8_t* other_bytes = event->bytes_start() + there_off;
  std::memcpy(event->bytes_start() + here_off, payload.data(), payload.size());
  room_.table.copy_wire(other, other_bytes);
  Event waited;
  (void)walk_dnstap({other_bytes, other.payload_len}, waited);  // it was sound when it came
  const PlacedEvent here = {incoming.event, here_off};
  const PlacedEvent there = {waited, there_off};
  join_dnstap(incoming.response ? there : here, incoming.response ? here : there, *event);
  event->arrival_ns = std::max(incoming.frame.arrival_ns, other.arrival_ns);
  event->input = other.input;
  event->peer = incoming.response ? incoming.frame.src : other.peer;
  event->stream = incoming.response ? incoming.frame.stream : other.stream;
  sink_.commit();
  pairs_.add(1);
  remove(other);
  return room;
}

bool Pairer::wait(const Incoming& incoming, Timeline& timeline) noexcept {
  const std::span<const uint8_t> payload = incoming.frame.payload();
  while (room_.table.full()) {
    if (!evict(room_.oldest(), table_evictions_)) return false;
  }
  while (!room_.table.store_fits(payload.size())) {
    WaitingFrame* response = room_.oldest_response();  // mostly it is these that are long
    if (!evict(response != nullptr ? response : room_.oldest(), store_evictions_)) return false;
  }
  MatchTable<WaitingFrame>::Place place = {.hash = incoming.flow, .by_question = false};
  if (room_.table.oldest_if_crowded(place.hash) != nullptr) {
    place = {.hash = hash_.join(incoming.flow, incoming.question), .by_question = true};
    WaitingFrame* crowd = room_.table.oldest_if_crowded(place.hash);
    if (crowd != nullptr && !evict(crowd, key_evictions_)) return false;
  }
  const Event& event = incoming.event;
  WaitingFrame& entry = room_.table.insert(payload, place, room_.list_of(timeline, incoming.response));
  entry.question = incoming.question;
  entry.time_ns = timeline.now_ns;
  entry.arrival_ns = incoming.frame.arrival_ns;
  entry.query_time_ns = incoming.query_time_ns();
  entry.message_ns = message_ns(event);
  entry.payload_len = incoming.frame.payload_len;
  entry.type = event.type;
  entry.protocol = event.protocol;
  entry.has_protocol = event.has_protocol;
  entry.input = incoming.frame.input;
  entry.server = event.server;
  entry.peer = incoming.frame.src;
  entry.stream = incoming.frame.stream;
  show_use();
  return true;
}

bool Pairer::write_waiting(WaitingFrame& entry) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(entry.payload_len, event);
  if (room == EventSink::Room::later) return false;
  if (room == EventSink::Room::yes) {
    room_.table.copy_wire(entry, event->bytes_start());
    (void)walk_dnstap({event->bytes_start(), entry.payload_len}, *event);
    event->arrival_ns = entry.arrival_ns;
    event->input = entry.input;
    event->peer = entry.peer;
    event->stream = entry.stream;
    sink_.commit();
  } else {
    sink_.drop(Drop::event_too_large, 1);
  }
  remove(entry);
  return true;
}

void Pairer::remove(WaitingFrame& entry) noexcept {
  room_.remove(entry);
  show_use();
}

void Pairer::show_use() noexcept {
  waiting_.set(room_.table.used());
  store_used_.set(room_.table.store().used());
}

bool Pairer::expire(const Timeline& timeline) noexcept {
  while (WaitingFrame* entry = room_.due(timeline)) {
    if (!time_out(*entry)) return false;
  }
  return true;
}

bool Pairer::time_out(WaitingFrame& entry) noexcept {
  return evict(&entry, entry.is_response() ? response_timeouts_ : query_timeouts_);
}

bool Pairer::evict(WaitingFrame* entry, Counter& reason) noexcept {
  if (!write_waiting(*entry)) return false;
  reason.add(1);
  return true;
}

bool Pairer::pass_time(uint64_t mono_ns) noexcept {
  for (Timeline* timeline = room_.clock.first(); timeline != nullptr;
       timeline = room_.clock.next(*timeline)) {
    PacketClock::pass(*timeline, mono_ns);
    if (!expire(*timeline)) return false;
  }
  return true;
}

bool Pairer::flush(uint16_t input) noexcept {
  while (WaitingFrame* entry = room_.first_of(input)) {
    if (!time_out(*entry)) return false;
  }
  return true;
}

bool Pairer::flush() noexcept {
  while (WaitingFrame* entry = room_.oldest()) {
    if (!write_waiting(*entry)) return false;
  }
  return true;
}

void Pairer::abandon() noexcept {
  sink_.drop(Drop::decode_shutdown, waiting_.get());
  while (WaitingFrame* entry = room_.oldest()) remove(*entry);
}

void Pairer::describe(MetricVisitor& visitor, const Labels& owner) const {
  const auto with = [&owner](std::string_view key, std::string value) {
    Labels labels = owner;
    labels.push_back({key, std::move(value)});
    return labels;
  };
  const auto number = [](const Counter& counter) { return static_cast<double>(counter.get()); };
  visitor.gauge("weir_pair_entries", "dnstap messages that wait for their query or response.", owner,
                number(waiting_));
  visitor.gauge(
      "weir_pair_capacity",
      "Entries of the table of dnstap messages that wait. Near it, the oldest are written alone: raise "
      "match.table_entries.",
      owner, static_cast<double>(room_.table.capacity()));
  visitor.gauge("weir_pair_store_blocks", "Blocks of that table's store for long messages in use.", owner,
                number(store_used_));
  visitor.gauge("weir_pair_store_capacity", "Blocks that the store has.", owner,
                static_cast<double>(room_.table.store().capacity()));
  visitor.counter("weir_pair_joined_total", "dnstap queries written together with their response.", owner,
                  number(pairs_));
  visitor.counter("weir_pair_comparisons_total",
                  "dnstap messages that wait, and that others were compared with. Many times the messages: "
                  "somebody sends many of one port and id.",
                  owner, number(compared_));
  constexpr std::string_view kTimeouts =
      "dnstap messages written alone because their query or response did not come in time. All of one leg: "
      "the "
      "server logs only these, pairing is of no use. Many responses: raise match.reorder. Many queries: they "
      "are not answered, or later than match.timeout.";
  visitor.counter("weir_pair_timeouts_total", kTimeouts, with("leg", "query"), number(query_timeouts_));
  visitor.counter("weir_pair_timeouts_total", kTimeouts, with("leg", "response"), number(response_timeouts_));
  constexpr std::string_view kEvictions =
      "dnstap messages written alone, before their time was over, because the table (reason table_full) or "
      "its "
      "store for long messages (store_full) was full: raise match.table_entries, or lower match.timeout; or "
      "because too many of one client, id and question waited (same_key).";
  visitor.counter("weir_pair_evictions_total", kEvictions, with("reason", "table_full"),
                  number(table_evictions_));
  visitor.counter("weir_pair_evictions_total", kEvictions, with("reason", "store_full"),
                  number(store_evictions_));
  visitor.counter("weir_pair_evictions_total", kEvictions, with("reason", "same_key"),
                  number(key_evictions_));
}

}  // namespace weir
