#include "exporters/receivers/broadcast_output.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr size_t kBlockBytes = 256U << 10U;  // stays in the L2 cache between format and send
constexpr size_t kMinBlockBytes = 1U << 10U;

}  // namespace

BroadcastOutput::BroadcastOutput(std::string name, unsigned lcore, const BroadcastOptions& options,
                                 std::unique_ptr<RecordFormat> format,
                                 std::shared_ptr<ReceiverListener> listener)
    : Output(std::move(name), lcore),
      options_(options),
      format_(std::move(format)),
      listener_(std::move(listener)) {
  const size_t block_bytes = std::clamp<size_t>(options.backlog / 8, kMinBlockBytes, kBlockBytes);
  for (size_t i = 0; i < options.backlog / block_bytes + 1; ++i)
    log_.push_back(std::make_unique<RecordBlock>(block_bytes, format_->max_record_bytes()));
  open_next();
}

BroadcastOutput::~BroadcastOutput() = default;

bool BroadcastOutput::take(const Batch& events, const Now& now) {
  for (uint32_t at = 0; at < events.used;) {
    const auto& event = *reinterpret_cast<const Event*>(events.data + at);
    if (block(open_block()).full()) {
      open_next();
      push(now);
    }
    if (block(open_block()).size() == flushed_) flush_at_ns_ = now.mono_ns + options_.flush_ms * kNsPerMs;
    counters_.in_events.add(1);
    counters_.in_units.add(event.units);
    add_to_backlog(block(open_block()), event, *format_);
    at += event.record_len;
  }
  return true;
}

void BroadcastOutput::open_next() {
  if (next_ - first_ == log_.size()) drop_oldest();
  ++next_;
  block(open_block()).clear();
  flushed_ = 0;
}

void BroadcastOutput::drop_oldest() {
  const RecordBlock& oldest = block(first_);
  for (Cursor& cursor : cursors_) {
    if (cursor.sent.block == first_) {
      const uint64_t lost = oldest.events_behind(cursor.sent.offset);
      cursor.receiver->add_lost(lost);
      lost_events_.add(lost);
      cursor.sent = {first_ + 1, 0};
      cursor.between = 0;
    } else if (cursor.settled.block == first_) {
      cursor.between -= oldest.size() - cursor.settled.offset;
    }
    if (cursor.settled.block == first_) cursor.settled = {first_ + 1, 0};
  }
  drop_rest(oldest, cursors_.empty() ? Drop::no_receiver : Drop::slow_receiver);
  ++first_;
}

void BroadcastOutput::update_cursors() {
  const uint64_t generation = listener_->generation();
  if (generation == generation_) return;
  generation_ = generation;
  for (const Cursor& cursor : cursors_)
    if (cursor.receiver->over() && cursor.receiver->end() == ReceiverEnd::stalled) count_rest_as_lost(cursor);
  std::erase_if(cursors_, [](const Cursor& cursor) { return !cursor.receiver->running(); });
  for (auto& receiver : listener_->receivers()) {
    const bool known = std::any_of(cursors_.begin(), cursors_.end(),
                                   [&](const Cursor& cursor) { return cursor.receiver == receiver; });
    if (known) continue;
    const Place start = start_of_new();
    cursors_.push_back({.receiver = std::move(receiver), .sent = start, .settled = start, .between = 0});
  }
}

// At a record that was not written yet, or at a block's start: so what receivers have of a block is always
// its first part, and RecordBlock counts it by one number. The only receiver gets what waited for it.
BroadcastOutput::Place BroadcastOutput::start_of_new() const {
  if (cursors_.empty()) return {first_, block(first_).written_bytes()};
  return {open_block(), 0};
}

bool BroadcastOutput::poll(const Now& now) {
  bool worked = listener_->poll(now);
  if (now.mono_ns >= flush_at_ns_) flushed_ = block(open_block()).size();
  worked |= push(now);
  counters_.up.set(cursors_.empty() ? 0 : 1);
  return worked;
}

bool BroadcastOutput::push(const Now& now) {
  update_cursors();
  bool worked = false;
  for (Cursor& cursor : cursors_) {
    worked |= push(cursor);
    settle(cursor, now);
  }
  release_settled();
  return worked;
}

bool BroadcastOutput::push(Cursor& cursor) {
  bool worked = false;
  for (;;) {
    const bool open = cursor.sent.block == open_block();
    const RecordBlock& from = block(cursor.sent.block);
    const size_t end = open ? std::max(flushed_, cursor.sent.offset) : from.size();
    if (cursor.sent.offset == end) {
      if (open) return worked;
      cursor.sent = {cursor.sent.block + 1, 0};
      continue;
    }
    const std::string_view frames = from.bytes().substr(0, end).substr(cursor.sent.offset);
    const size_t taken = cursor.receiver->send(frames);
    if (taken == 0) return worked;
    cursor.sent.offset += taken;
    cursor.between += taken;
    worked = true;
  }
}

// What the receiver may still lose is the last of what it took. Other lcores' frames may be among it; then
// some of ours are taken for unsettled a little longer.
void BroadcastOutput::settle(Cursor& cursor, const Now& now) {
  if (cursor.receiver->over()) return;
  const uint64_t unsettled = cursor.receiver->unsettled();
  for (uint64_t left = cursor.between > unsettled ? cursor.between - unsettled : 0;;) {
    RecordBlock& in = block(cursor.settled.block);
    const uint64_t n = std::min<uint64_t>(left, in.size() - cursor.settled.offset);
    cursor.settled.offset += n;
    cursor.between -= n;
    left -= n;
    count_written(in, cursor.settled.offset, now);
    if (cursor.settled.block == cursor.sent.block || cursor.settled.offset < in.size()) return;
    cursor.settled = {cursor.settled.block + 1, 0};
  }
}

void BroadcastOutput::release_settled() {
  while (first_ != open_block() && block(first_).all_written() &&
         std::all_of(cursors_.begin(), cursors_.end(),
                     [&](const Cursor& cursor) { return cursor.settled.block > first_; }))
    ++first_;
}

bool BroadcastOutput::has_all(const Cursor& cursor) const {
  return cursor.settled.block == open_block() && cursor.settled.offset == block(open_block()).size();
}

// Each for itself: a slow one must not keep the others from their STOP. true: all are through.
bool BroadcastOutput::end_receivers() {
  bool all = true;
  for (Cursor& cursor : cursors_) {
    if (!has_all(cursor))
      all = false;
    else if (!std::exchange(cursor.done, true))
      cursor.receiver->lcore_is_done();
  }
  return all;
}

// What it has not taken.
void BroadcastOutput::count_rest_as_lost(const Cursor& cursor) {
  uint64_t lost = 0;
  for (Place at = cursor.sent; at.block != next_; at = {at.block + 1, 0})
    lost += block(at.block).events_behind(at.offset);
  cursor.receiver->add_lost(lost);
  lost_events_.add(lost);
}

// Without a receiver there is nothing that could be done.
bool BroadcastOutput::drain(const Now& now) {
  if (!done_) {
    flushed_ = block(open_block()).size();
    push(now);
    if (end_receivers()) {
      done_ = true;
      listener_->lcore_is_done();
    }
  }
  return listener_->finish(now);
}

void BroadcastOutput::abandon() {
  for (const Cursor& cursor : cursors_)
    if (cursor.receiver->running()) count_rest_as_lost(cursor);
  for (; first_ != next_; ++first_) drop_rest(block(first_), Drop::output_shutdown);
  // Nothing comes any more, but the log has always an open block.
  cursors_.clear();
  open_next();
  listener_->abandon();
}

// One instance does it for all, since they share the listener.
void BroadcastOutput::request_reopen() {
  if (lcore() == 0) listener_->reload_tls();
}

void BroadcastOutput::describe(MetricVisitor& visitor) const {
  const Labels labels = {{"output", name()}, {"lcore", std::to_string(lcore())}};
  visitor.counter(
      "weir_output_receivers_lost_events_total",
      "Events that a receiver lost because it was slower than the traffic, or had not taken when the drain "
      "time was over, summed over receivers; the log says at its end how many each lost.",
      labels, static_cast<double>(lost_events_.get()));
  if (lcore() == 0) listener_->describe(visitor, labels);
}

}  // namespace weir
