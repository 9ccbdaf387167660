#include "exporters/record_output.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

namespace weir {
namespace {

constexpr size_t kBlockBytes = 256U << 10U;  // stays in the L2 cache between format and write
constexpr size_t kMinBlockBytes = 1U << 10U;

}  // namespace

template <class Record>
struct RecordOutputOf<Record>::Block : RecordBlock {
  using RecordBlock::RecordBlock;
  void clear() noexcept {
    RecordBlock::clear();
    sent = 0;
  }
  size_t sent = 0;  // the sink took this much
};

template <class Record>
RecordOutputOf<Record>::RecordOutputOf(std::string name, unsigned lcore, const Waiting& waiting,
                                       std::unique_ptr<RecordFormatOf<Record>> format,
                                       std::unique_ptr<Sink> sink)
    : Output(std::move(name), lcore),
      options_(waiting),
      format_(std::move(format)),
      block_bytes_(std::clamp<size_t>(waiting.backlog / 4, kMinBlockBytes, kBlockBytes)),
      sink_(std::move(sink)) {
  const size_t count = waiting.backlog / block_bytes_ + 2;
  waiting_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    blocks_.push_back(std::make_unique<Block>(block_bytes_, format_->max_record_bytes()));
    free_.push_back(blocks_.back().get());
  }
  copy_sink_state();
}

template <class Record>
RecordOutputOf<Record>::~RecordOutputOf() = default;

template <class Record>
bool RecordOutputOf<Record>::take(const Batch& events, const Now& now) {
  for (uint32_t at = resume_at_; at < events.used;) {
    const auto& event = *reinterpret_cast<const Record*>(events.data + at);
    const bool room = make_room(now);
    if (!room && !ended() && options_.when_full == WhenFull::block) {
      resume_at_ = at;
      count_blocked(now);
      return false;
    }
    counters_.in_events.add(1);
    counters_.in_units.add(event.units);
    if (room)
      add_to_backlog(*open_, event, *format_);
    else
      counters_.drops.add(ended() ? Drop::write_failed : Drop::backlog_full, event.units);
    at += event.record_len;
  }
  resume_at_ = 0;
  if (blocked_since_ns_ != 0) {
    count_blocked(now);
    blocked_since_ns_ = 0;
  }
  return true;
}

template <class Record>
void RecordOutputOf<Record>::count_blocked(const Now& now) {
  if (blocked_since_ns_ != 0) counters_.block_ns.add(now.mono_ns - blocked_since_ns_);
  blocked_since_ns_ = now.mono_ns;
}

// The open block has room for a record, and the backlog for more bytes.
template <class Record>
bool RecordOutputOf<Record>::make_room(const Now& now) {
  if (ended()) return false;
  if (open_ != nullptr && open_->full()) {
    close_open();
    if (!stuck_) push_blocks(now);
  }
  if (counters_.backlog_bytes.get() >= options_.backlog) return false;
  if (open_ != nullptr) return true;
  if (free_.empty() || ended()) return false;
  open_ = free_.back();  // the last one used is still in cache
  free_.pop_back();
  open_->clear();
  opened_ns_ = now.mono_ns;
  return true;
}

template <class Record>
void RecordOutputOf<Record>::close_open() {
  if (open_ == nullptr) return;
  waiting_[(first_waiting_ + waiting_count_) % waiting_.size()] = std::exchange(open_, nullptr);
  ++waiting_count_;
}

// Offers the waiting blocks to the sink until it takes no more. true: it took something.
template <class Record>
bool RecordOutputOf<Record>::push_blocks(const Now& now) {
  bool took = false;
  while (sent_count_ < waiting_count_) {
    Block& block = waiting(sent_count_);
    const size_t before = block.sent;
    block.sent = sink_->write(block.bytes(), block.sent, now);
    took |= block.sent > before;
    if (block.sent < block.size()) break;
    ++sent_count_;
  }
  if (waiting_count_ != 0) settle(now);
  if (sink_->take_break()) rewind();
  stuck_ = sent_count_ < waiting_count_;
  copy_sink_state();
  if (ended()) drop_waiting(Drop::write_failed);
  return took;
}

// What the sink may still lose is the last of what it took.
template <class Record>
void RecordOutputOf<Record>::settle(const Now& now) {
  size_t settled = 0;
  for (size_t i = 0; i < waiting_count_; ++i) settled += waiting(i).sent;
  settled -= std::min(settled, sink_->unsettled());
  while (waiting_count_ != 0) {
    Block& block = waiting(0);
    const size_t here = std::min(block.sent, settled);
    settle_block(block, here, now);
    if (here < block.size()) break;
    settled -= here;
    pop_waiting();
  }
}

template <class Record>
void RecordOutputOf<Record>::settle_block(Block& block, size_t settled, const Now& now) {
  std::deque<RefusedRecord>* refused = sink_->refusals();
  while (refused != nullptr && !refused->empty() && refused->front().end <= gone_bytes_ + settled) {
    const auto end = static_cast<size_t>(refused->front().end - gone_bytes_);
    count_written(block, block.record_start(end), now);
    count_dropped(block, end, refused->front().reason);
    refused->pop_front();
  }
  count_written(block, settled, now);
}

template <class Record>
void RecordOutputOf<Record>::rewind() {
  for (size_t i = 0; i < waiting_count_; ++i) waiting(i).sent = waiting(i).written_bytes();
  sent_count_ = 0;
}

template <class Record>
void RecordOutputOf<Record>::pop_waiting() {
  gone_bytes_ += waiting(0).size();
  free_.push_back(&waiting(0));
  first_waiting_ = (first_waiting_ + 1) % waiting_.size();
  --waiting_count_;
  if (sent_count_ != 0) --sent_count_;
}

template <class Record>
void RecordOutputOf<Record>::drop_waiting(Drop reason) {
  close_open();
  for (; waiting_count_ != 0; pop_waiting()) drop_rest(waiting(0), reason);
}

template <class Record>
bool RecordOutputOf<Record>::poll(const Now& now) {
  bool worked = sink_->poll(now);
  worked |= push_blocks(now);
  // A block closed early only when none is unsent: else trickles behind a dead peer would use up the blocks.
  // Nor the last one: trickles to a peer that is slow to acknowledge would.
  const bool due = open_ != nullptr && now.mono_ns - opened_ns_ >= options_.flush_ms * kNsPerMs;
  if (!due || sent_count_ < waiting_count_ || free_.empty()) return worked;
  close_open();
  push_blocks(now);
  return true;
}

template <class Record>
bool RecordOutputOf<Record>::drain(const Now& now) {
  close_open();
  push_blocks(now);
  return ended() || (waiting_count_ == 0 && sink_->finish(now));
}

// A batch of which take() accepted the first events and then had no room.
template <class Record>
void RecordOutputOf<Record>::abandon_batch(const Batch& events) {
  drop_from<Record>(events, std::exchange(resume_at_, 0));
}

template <class Record>
void RecordOutputOf<Record>::abandon() {
  close_open();
  if (waiting_count_ != 0) {
    const Block& block = waiting(0);
    sink_->abandon(block.bytes(), block.sent);
  }
  drop_waiting(Drop::output_shutdown);
}

template <class Record>
void RecordOutputOf<Record>::copy_sink_state() {
  counters_.up.set(sink_->up() ? 1 : 0);
  counters_.faults.set(sink_->faults());
  if (!sink_->ended().empty()) ended_.store(true, std::memory_order_relaxed);
}

template <class Record>
void RecordOutputOf<Record>::describe(MetricVisitor& visitor) const {
  sink_->describe(visitor, {{"output", name()}, {"lcore", std::to_string(lcore())}});
}

template class RecordOutputOf<Event>;
template class RecordOutputOf<CapturedPacket>;

}  // namespace weir
