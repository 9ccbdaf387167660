// BroadcastOutput: an output that sends every record to each of its receivers. Records are kept in a log of
// blocks; each receiver has a place in the log and goes on at its own pace. When the log is full its oldest
// block goes: receivers that were not through with it lose what they lack of it, and nobody else notices. So
// nothing here ever waits for a receiver.
//
// An event is written when one receiver has it for sure; it is dropped when its block goes and none has:
// Drop::slow_receiver, or Drop::no_receiver where there is none. What a single receiver lost is counted
// beside that. Owner: the export lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/counter.h"
#include "exporters/formats/record_format.h"
#include "exporters/output.h"
#include "exporters/receivers/receiver_listener.h"

namespace weir {

struct BroadcastOptions {
  uint32_t flush_ms = 1'000;
  uint64_t backlog = 8U << 20U;  // bytes of the log
};

class BroadcastOutput : public Output {
 public:
  // listener: shared with the other export lcores' instances. The format's records are Frame Streams' data
  // frames.
  BroadcastOutput(std::string name, unsigned lcore, const BroadcastOptions& options,
                  std::unique_ptr<RecordFormat> format, std::shared_ptr<ReceiverListener> listener);
  ~BroadcastOutput() override;

  [[nodiscard]] bool take(const Batch& events, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] bool drain(const Now& now) override;
  void abandon() override;
  void request_reopen() override;
  // There may be no receiver for days.
  [[nodiscard]] bool is_out(uint64_t /*place*/) const noexcept override { return true; }
  void describe(MetricVisitor& visitor) const override;

 private:
  // Where in the log: a block's number, counted from the first ever, and an offset in it.
  struct Place {
    uint64_t block = 0;
    size_t offset = 0;
  };
  struct Cursor {
    std::shared_ptr<Receiver> receiver;
    Place sent;            // it took everything before
    Place settled;         // and has everything before for sure
    uint64_t between = 0;  // bytes from settled to sent
    bool done = false;     // at the end: the receiver was told that nothing more comes from here
  };

  [[nodiscard]] RecordBlock& block(uint64_t number) const { return *log_[number % log_.size()]; }
  [[nodiscard]] uint64_t open_block() const { return next_ - 1; }
  void open_next();
  void drop_oldest();
  void update_cursors();
  [[nodiscard]] Place start_of_new() const;
  bool push(const Now& now);
  bool push(Cursor& cursor);
  void settle(Cursor& cursor, const Now& now);
  void release_settled();
  [[nodiscard]] bool has_all(const Cursor& cursor) const;
  bool end_receivers();
  void count_rest_as_lost(const Cursor& cursor);

  BroadcastOptions options_;
  std::unique_ptr<RecordFormat> format_;
  std::shared_ptr<ReceiverListener> listener_;
  std::vector<std::unique_ptr<RecordBlock>> log_;  // a ring: blocks first_ to next_ - 1 are in use
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  size_t flushed_ = 0;  // so much of the open block may be sent
  uint64_t flush_at_ns_ = 0;
  std::vector<Cursor> cursors_;
  uint64_t generation_ = ~uint64_t{0};  // of the listener's receivers, that cursors_ are for
  bool done_ = false;                   // the listener was told
  Counter lost_events_;
};

}  // namespace weir
