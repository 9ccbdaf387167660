#include "decoder/decode_stage.h"

#include <cstring>
#include <string>
#include <utility>

#include "core/frame.h"
#include "core/seeded_hash.h"
#include "decoder/dnstap.h"
#include "decoder/event_writer.h"
#include "decoder/matcher.h"
#include "decoder/pairer.h"

namespace weir {

struct DecodeStage::State {
  State(unsigned shard_number, const DecodeOptions& options, std::vector<Ring*> rings, Ring& out,
        std::unique_ptr<BatchPool> batch_pool)
      : shard(shard_number),
        in(std::move(rings)),
        pool(std::move(batch_pool)),
        writer(out, *pool),
        matcher(options, writer, random_seed()),
        pairer(options, writer, random_seed()) {}

  // Each false: no room, to be called again with the same.
  bool decode(const Frame& frame, uint64_t flow_id) noexcept;
  bool decode_dnstap(const Frame& frame) noexcept;
  bool pair_dnstap(const Frame& frame) noexcept;
  bool read_some() noexcept;
  bool read_current() noexcept;

  bool next_batch() noexcept;
  void release_current() noexcept;
  [[nodiscard]] bool inputs_ended() const noexcept;
  bool take_mark(const Mark& mark) noexcept;
  bool pass_marks() noexcept;

  unsigned shard;
  std::vector<Ring*> in;
  std::unique_ptr<BatchPool> pool;
  EventWriter writer;
  Matcher matcher;
  Pairer pairer;
  size_t next_ring = 0;
  Batch* current = nullptr;  // popped from current_ring, read up to `at`
  Ring* current_ring = nullptr;
  uint32_t at = 0;
  uint64_t arrived_ns = 0;  // the latest frame that was read
  struct Places {
    uint32_t packet;
    uint32_t pair;
  };
  MarkQueue<Places> marks;  // each behind what waited when it was read
  Counter unread;           // units of `current` from `at` on
};

bool DecodeStage::State::decode(const Frame& frame, uint64_t flow_id) noexcept {
  if (frame.kind != FrameKind::dnstap) return matcher.take(frame, flow_id);
  return frame.pair ? pair_dnstap(frame) : decode_dnstap(frame);
}

bool DecodeStage::State::pair_dnstap(const Frame& frame) noexcept {
  const Pairer::Taken taken = pairer.take(frame);
  return taken == Pairer::Taken::alone ? decode_dnstap(frame) : taken == Pairer::Taken::yes;
}

bool DecodeStage::State::decode_dnstap(const Frame& frame) noexcept {
  const std::span<const uint8_t> payload = frame.payload();
  Event* event = nullptr;
  const EventSink::Room room = writer.reserve(payload.size(), event);
  if (room == EventSink::Room::later) return false;
  if (room == EventSink::Room::never) {
    writer.drop(Drop::event_too_large, 1);
    return true;
  }
  const DnstapResult result = walk_dnstap(payload, *event);
  if (result != DnstapResult::ok) {
    writer.drop(result == DnstapResult::malformed ? Drop::dnstap_malformed : Drop::dnstap_not_message, 1);
    return true;
  }
  event->arrival_ns = frame.arrival_ns;
  event->input = frame.input;
  event->peer = frame.src;
  event->stream = frame.stream;
  std::memcpy(event->bytes_start(), payload.data(), payload.size());
  writer.commit();
  return true;
}

bool DecodeStage::State::read_current() noexcept {
  while (at < current->used) {
    if (!read_some()) return false;
  }
  // Where one stream keeps the stage busy, time goes on for those that are silent.
  if (!pairer.pass_time(arrived_ns)) return false;
  if (current->mark && !take_mark(current->mark)) return false;
  release_current();
  return true;
}

bool DecodeStage::State::take_mark(const Mark& mark) noexcept {
  if (mark.flush && !(matcher.flush(mark.input) && pairer.flush(mark.input))) return false;
  return marks.put(mark, {.packet = matcher.place(), .pair = pairer.place()});
}

// What was written before a mark is in the open batch or before it: the mark goes there.
bool DecodeStage::State::pass_marks() noexcept {
  bool room = true;
  marks.pass([&](const Mark& mark, const Places& behind) {
    if (matcher.waits(mark.input, behind.packet) || pairer.waits(mark.input, behind.pair)) return false;
    room = room && writer.put(mark);
    return room;
  });
  return room;
}

bool DecodeStage::State::read_some() noexcept {
  const Frame* frames[Matcher::kAhead];
  size_t count = 0;
  for (uint32_t next = at; next < current->used && count < Matcher::kAhead;
       next += frames[count++]->record_len) {
    frames[count] = reinterpret_cast<const Frame*>(current->data + next);
  }
  const Matcher::Ahead ahead = matcher.look_ahead({frames, count});
  for (size_t i = 0; i < count; ++i) {
    if (!decode(*frames[i], ahead.flow_ids[i])) return false;
    at += frames[i]->record_len;
    unread.set(unread.get() - frames[i]->units);
  }
  arrived_ns = frames[count - 1]->arrival_ns;
  return true;
}

bool DecodeStage::State::next_batch() noexcept {
  current_ring = in[next_ring];
  next_ring = next_ring + 1 == in.size() ? 0 : next_ring + 1;
  current = current_ring->pop();
  at = 0;
  if (current != nullptr) unread.set(current->units);
  return current != nullptr;
}

void DecodeStage::State::release_current() noexcept {
  current_ring->release(current);
  current = nullptr;
}

bool DecodeStage::State::inputs_ended() const noexcept {
  for (const Ring* ring : in)
    if (!ring->ended()) return false;
  return true;
}

DecodeStage::DecodeStage(unsigned shard, const DecodeOptions& options, std::vector<Ring*> in, Ring* out,
                         std::unique_ptr<BatchPool> pool)
    : state_(std::make_unique<State>(shard, options, std::move(in), *out, std::move(pool))) {}

DecodeStage::~DecodeStage() = default;

Poll DecodeStage::poll(const Now& now) {
  State& s = *state_;
  s.writer.begin_burst(now.mono_ns);
  bool busy = false;
  for (size_t i = 0; i < s.in.size(); ++i) {
    if (s.current == nullptr && !s.next_batch()) continue;
    if (!s.read_current()) return Poll::idle;
    busy = true;
  }
  if (!s.pass_marks()) return Poll::idle;
  if (!busy) {
    if (s.inputs_ended()) {
      if (!s.matcher.flush() || !s.pairer.flush() || !s.pass_marks() || !s.writer.flush()) return Poll::idle;
      s.writer.close();
      return Poll::done;
    }
    if (!s.matcher.pass_time(now.mono_ns) || !s.pairer.pass_time(now.mono_ns)) return Poll::idle;
  }
  s.writer.end_burst();
  return busy ? Poll::busy : Poll::idle;
}

void DecodeStage::abandon() {
  State& s = *state_;
  if (s.current != nullptr) {
    s.writer.drop(Drop::decode_shutdown, s.unread.get());
    s.unread.set(0);
    s.release_current();
  }
  for (Ring* ring : s.in) {
    while (Batch* batch = ring->pop()) {
      s.writer.drop(Drop::decode_shutdown, batch->units);
      ring->release(batch);
    }
  }
  s.matcher.abandon();
  s.pairer.abandon();
  s.writer.abandon();
}

const DropCounters& DecodeStage::drops() const noexcept { return state_->writer.drops(); }

Balance DecodeStage::balance() const noexcept {
  const State& s = *state_;
  Balance balance;
  for (const Ring* ring : s.in) balance.in += ring->popped();
  balance.out = s.writer.pushed();
  balance.drops = s.writer.dropped();
  balance.in_flight = s.unread.get() + s.matcher.held_units() + s.pairer.held_units() + s.writer.open_units();
  return balance;
}

void DecodeStage::describe(MetricVisitor& visitor) const {
  const State& s = *state_;
  const std::string shard = std::to_string(s.shard);
  visitor.counter("weir_decode_units_total",
                  "Frames (dnstap frames and packets) taken from the ingest lcores.", {{"shard", shard}},
                  static_cast<double>(balance().in));
  s.writer.describe(visitor, {{"shard", shard}});
  s.matcher.describe(visitor, {{"shard", shard}});
  s.pairer.describe(visitor, {{"shard", shard}});
  visitor.gauge("weir_pool_batches_in_use", "Batches of the pool that are filled, waiting or being read.",
                {{"stage", "decode"}, {"lcore", shard}}, static_cast<double>(s.pool->in_use()));
  visitor.gauge("weir_pool_batches", "Batches that the pool has.", {{"stage", "decode"}, {"lcore", shard}},
                static_cast<double>(s.pool->size()));
}

}  // namespace weir
