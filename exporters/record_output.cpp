#include "exporters/record_output.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

namespace weir {
namespace {

constexpr size_t kBlockBytes = 256U << 10U;  // stays in the L2 cache between format and write
constexpr size_t kMinBlockBytes = 1U << 10U;
// What a destination that is down has not taken for so long goes to the spool, though there is room.
constexpr uint64_t kSpillNs = kNsPerSec;

}  // namespace

template <class Record>
struct RecordOutputOf<Record>::Block : RecordBlock {
  using RecordBlock::RecordBlock;
  void clear() noexcept {
    RecordBlock::clear();
    sent = 0;
    spooled = false;
  }
  size_t sent = 0;       // the sink took this much
  bool spooled = false;  // its records are in the spool until they are settled
};

template <class Record>
RecordOutputOf<Record>::RecordOutputOf(std::string name, unsigned lcore, const Waiting& waiting,
                                       std::unique_ptr<RecordFormatOf<Record>> format,
                                       std::unique_ptr<Sink> sink, std::unique_ptr<Spool> spool)
    : Output(std::move(name), lcore),
      options_(waiting),
      format_(std::move(format)),
      block_bytes_(std::clamp<size_t>(waiting.backlog / 4, kMinBlockBytes, kBlockBytes)),
      spool_(std::move(spool)),
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
    if (!close_open(now)) return false;
    if (!stuck_) push_blocks(now);
  }
  if (counters_.backlog_bytes.get() >= options_.backlog) {
    // Beside what the sink has taken, an open block that will go to the spool may still be filled.
    if (spool_ != nullptr)
      spill(now);
    else if (options_.when_full != WhenFull::drop_oldest || !drop_oldest())
      return false;
  }
  if (open_ != nullptr) return true;
  if (free_.empty() && options_.when_full == WhenFull::drop_oldest) drop_oldest();
  if (free_.empty() || ended()) return false;
  open_ = free_.back();  // the last one used is still in cache
  free_.pop_back();
  open_->clear();
  opened_ns_ = now.mono_ns;
  return true;
}

// false: it has to go to the spool, behind what is there, and that takes nothing now.
template <class Record>
bool RecordOutputOf<Record>::close_open(const Now& now) {
  if (open_ == nullptr) return true;
  // The last block stays for what comes next.
  const bool full = counters_.backlog_bytes.get() >= options_.backlog || free_.empty();
  if (spool_ != nullptr && (full || spool_->has_more())) {
    spill(now);  // what waits is older
    return put_open(now);
  }
  push_waiting(std::exchange(open_, nullptr));
  return true;
}

template <class Record>
bool RecordOutputOf<Record>::put_open(const Now& now) {
  const RecordBlock* block = open_;
  if (!spool_->put({&block, 1}, now)) return false;
  count_spooled(*open_);
  free_.push_back(std::exchange(open_, nullptr));
  return true;
}

// The oldest block of which the sink has taken nothing.
template <class Record>
bool RecordOutputOf<Record>::drop_oldest() {
  size_t i = sent_count_;
  while (i < waiting_count_ && waiting(i).sent != 0) ++i;
  if (i == waiting_count_) return false;
  Block* oldest = &waiting(i);
  drop_rest(*oldest, Drop::backlog_full);
  for (; i + 1 < waiting_count_; ++i) waiting_[(first_waiting_ + i) % waiting_.size()] = &waiting(i + 1);
  --waiting_count_;
  free_.push_back(oldest);
  return true;
}

// The last blocks, of which the sink has taken nothing, go to an empty spool: what is in it already is
// younger than all that waits.
template <class Record>
bool RecordOutputOf<Record>::spill(const Now& now) {
  if (spool_->has_more()) return false;
  size_t from = waiting_count_;
  while (from > sent_count_ && waiting(from - 1).sent == 0 && !waiting(from - 1).spooled) --from;
  if (from == waiting_count_) return false;
  std::vector<const RecordBlock*> blocks;
  for (size_t i = from; i < waiting_count_; ++i) blocks.push_back(&waiting(i));
  if (!spool_->put(blocks, now)) return false;
  for (size_t i = from; i < waiting_count_; ++i) {
    count_spooled(waiting(i));
    free_.push_back(&waiting(i));
  }
  waiting_count_ = from;
  return true;
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
  if (took || sent_count_ == waiting_count_)
    unsent_since_ns_ = 0;
  else if (unsent_since_ns_ == 0)
    unsent_since_ns_ = now.mono_ns;
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
    settle_taken(block, block.record_start(end), now);
    if (block.spooled)
      spool_->drop(block.drop_to(end), Drop::spool_refused);
    else
      count_dropped(block, end, refused->front().reason);
    refused->pop_front();
  }
  settle_taken(block, settled, now);
}

// Of what came from the spool, the spool keeps count.
template <class Record>
void RecordOutputOf<Record>::settle_taken(Block& block, size_t settled, const Now& now) {
  if (block.spooled)
    spool_->done(block.drop_to(settled));
  else
    count_written(block, settled, now);
}

template <class Record>
void RecordOutputOf<Record>::rewind() {
  for (size_t i = 0; i < waiting_count_; ++i) waiting(i).sent = waiting(i).written_bytes();
  sent_count_ = 0;
}

template <class Record>
void RecordOutputOf<Record>::push_waiting(Block* block) {
  waiting_[(first_waiting_ + waiting_count_) % waiting_.size()] = block;
  ++waiting_count_;
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
  if (open_ != nullptr) {
    drop_rest(*open_, reason);
    free_.push_back(std::exchange(open_, nullptr));
  }
  for (; waiting_count_ != 0; pop_waiting())
    if (!waiting(0).spooled) drop_rest(waiting(0), reason);
}

// While the destination takes data, what is in the spool follows what is in memory.
template <class Record>
void RecordOutputOf<Record>::fetch_spooled(const Now& now) {
  while (sent_count_ == waiting_count_ && spool_->has_more() && sink_->up() && free_.size() > 1) {
    Block* block = free_.back();
    block->clear();
    if (!spool_->fetch(*block, now)) return;
    free_.pop_back();
    block->spooled = true;
    push_waiting(block);
    push_blocks(now);
  }
}

template <class Record>
void RecordOutputOf<Record>::spill_early(const Now& now) {
  if (!sink_->up() && unsent_since_ns_ != 0 && now.mono_ns - unsent_since_ns_ >= kSpillNs) spill(now);
}

template <class Record>
bool RecordOutputOf<Record>::poll(const Now& now) {
  bool worked = sink_->poll(now);
  worked |= push_blocks(now);
  if (spool_ != nullptr) {
    spool_->poll(now);
    spill_early(now);
    fetch_spooled(now);
  }
  // A block closed early only when none is unsent: else trickles behind a dead peer would use up the blocks.
  // Nor the last one: trickles to a peer that is slow to acknowledge would.
  const bool due = open_ != nullptr && now.mono_ns - opened_ns_ >= options_.flush_ms * kNsPerMs;
  const bool to_spool = spool_ != nullptr && (spool_->has_more() || !sink_->up());
  if (!due || (sent_count_ < waiting_count_ && !to_spool) || free_.empty()) return worked;
  if (!close_open(now)) return worked;
  push_blocks(now);
  return true;
}

template <class Record>
bool RecordOutputOf<Record>::drain(const Now& now) {
  const bool closed = close_open(now);
  push_blocks(now);
  if (spool_ != nullptr) {
    if (!sink_->up()) return true;  // abandon() keeps it on disk
    fetch_spooled(now);
    if (spool_->has_more()) return false;
  }
  return ended() || (closed && waiting_count_ == 0 && sink_->finish(now));
}

// A batch of which take() accepted the first events and then had no room.
template <class Record>
void RecordOutputOf<Record>::abandon_batch(const Batch& events) {
  drop_from<Record>(events, std::exchange(resume_at_, 0));
}

template <class Record>
void RecordOutputOf<Record>::abandon() {
  if (waiting_count_ != 0) {
    const Block& block = waiting(0);
    sink_->abandon(block.bytes(), block.sent);
  }
  if (spool_ != nullptr) keep_in_spool(read_clock());
  drop_waiting(Drop::output_shutdown);
}

// What waits is older than what is in the spool, what is open younger.
template <class Record>
void RecordOutputOf<Record>::keep_in_spool(const Now& now) {
  std::vector<Spool::Front> older;
  for (size_t i = 0; i < waiting_count_; ++i) older.push_back({&waiting(i), waiting(i).spooled});
  // What was fetched behind them is where it belongs.
  while (!older.empty() && older.back().fetched) older.pop_back();
  if (open_ != nullptr) put_open(now);
  if (older.empty() || !spool_->put_front(older, now)) return;
  for (const Spool::Front& front : older)
    if (!front.fetched) count_spooled(*front.block);
  for (; waiting_count_ != 0; pop_waiting()) {
  }
}

template <class Record>
std::optional<Balance> RecordOutputOf<Record>::spool_balance() const {
  if (spool_ == nullptr) return {};
  return spool_->balance();
}

template <class Record>
void RecordOutputOf<Record>::copy_sink_state() {
  counters_.up.set(sink_->up() ? 1 : 0);
  counters_.faults.set(sink_->faults());
  if (!sink_->ended().empty()) ended_.store(true, std::memory_order_relaxed);
}

template <class Record>
void RecordOutputOf<Record>::describe(MetricVisitor& visitor) const {
  const Labels labels = {{"output", name()}, {"lcore", std::to_string(lcore())}};
  sink_->describe(visitor, labels);
  if (spool_ != nullptr) spool_->describe(visitor, labels, read_clock().wall_ns);
}

template class RecordOutputOf<Event>;
template class RecordOutputOf<CapturedPacket>;

}  // namespace weir
