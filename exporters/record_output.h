// RecordOutput: an output made of a format and a sink. Events (or packets) become records in blocks of
// memory; a block goes to the sink when it is full, or has waited flush_ms; what the sink has not taken, or
// may still lose, waits, up to the backlog. Owner: the export lcore.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "exporters/formats/record_format.h"
#include "exporters/output.h"
#include "exporters/output_options.h"
#include "exporters/record_block.h"
#include "exporters/sinks/sink.h"
#include "exporters/spool/spool.h"

namespace weir {

// Record: what the batches hold: Event or CapturedPacket.
template <class Record>
class RecordOutputOf : public Output {
 public:
  RecordOutputOf(std::string name, unsigned lcore, const Waiting& waiting,
                 std::unique_ptr<RecordFormatOf<Record>> format, std::unique_ptr<Sink> sink,
                 std::unique_ptr<Spool> spool = {});
  ~RecordOutputOf() override;

  [[nodiscard]] bool take(const Batch& events, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] bool drain(const Now& now) override;
  // One instance does it for all: what their sinks open again is shared.
  void request_reopen() override {
    if (lcore() == 0) reopen_sink();
  }
  void abandon_batch(const Batch& events) override;
  void abandon() override;
  [[nodiscard]] bool ended() const override { return ended_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string fault() const override { return sink_->ended(); }
  void describe(MetricVisitor& visitor) const override;
  [[nodiscard]] std::optional<Balance> spool_balance() const override;

 protected:
  void reopen_sink() { sink_->request_reopen(); }

 private:
  struct Block;

  bool make_room(const Now& now);
  void count_blocked(const Now& now);
  bool close_open(const Now& now);
  bool put_open(const Now& now);
  bool drop_oldest();
  bool spill(const Now& now);
  void spill_early(const Now& now);
  void fetch_spooled(const Now& now);
  void keep_in_spool(const Now& now);
  bool push_blocks(const Now& now);
  bool offer_unsent(const Now& now);
  void settle(const Now& now);
  void settle_block(Block& block, size_t settled, const Now& now);
  void settle_taken(Block& block, size_t settled, const Now& now);
  void rewind();
  [[nodiscard]] Block& waiting(size_t i) const { return *waiting_[(first_waiting_ + i) % waiting_.size()]; }
  void push_waiting(Block* block);
  void pop_waiting();
  void drop_waiting(Drop reason);
  void copy_sink_state();

  const Waiting options_;
  std::unique_ptr<RecordFormatOf<Record>> format_;
  size_t block_bytes_;  // a block takes no further record from here on
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<Block*> free_;
  std::vector<Block*> waiting_;  // a ring in order of age
  size_t first_waiting_ = 0;
  size_t waiting_count_ = 0;
  size_t sent_count_ = 0;  // of these, from the first on: the sink took them whole
  Block* open_ = nullptr;
  uint64_t opened_ns_ = 0;
  bool stuck_ = false;             // the sink took less than it was offered at the last try
  uint32_t resume_at_ = 0;         // where in the refused batch take() goes on
  uint64_t blocked_since_ns_ = 0;  // 0: not blocked
  uint64_t gone_bytes_ = 0;        // of blocks that are not waiting any more
  std::atomic<bool> ended_{false};
  std::unique_ptr<Spool> spool_;  // none: nullptr
  uint64_t unsent_since_ns_ = 0;  // something waits that the sink has not taken since; 0: nothing
  std::unique_ptr<Sink> sink_;    // goes first: it may look at the blocks until then
};
using RecordOutput = RecordOutputOf<Event>;

}  // namespace weir
