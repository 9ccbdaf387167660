// Output: one export lcore's instance of a configured output: takes Events, writes them to the outside world.
// Owner: the export lcore. in = written + spooled + drops + backlog, in events and in units.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/batch.h"
#include "core/drop.h"
#include "core/event.h"
#include "core/histogram.h"
#include "core/stage.h"
#include "exporters/record_block.h"

namespace weir {

struct OutputCounters {
  Counter in_events;
  Counter in_units;
  Counter written_events;  // the destination has taken the last byte of them
  Counter written_units;
  Counter written_bytes;
  Counter spooled_events;  // they went to the output's spool, which accounts for them from there on
  Counter spooled_units;
  Counter backlog_events;  // a level: formatted or taken, not yet written
  Counter backlog_units;
  Counter backlog_bytes;
  Counter up;          // 1: the destination takes data; 0: it does not (down since the last fault)
  Counter faults;      // connects or writes that failed
  Counter block_ns;    // time in which when_full: block held the street
  Histogram latency;   // from arrival to written, an event
  DropCounters drops;  // units
};

class Output {
 public:
  Output(std::string name, unsigned lcore) : name_(std::move(name)), lcore_(lcore) {}
  virtual ~Output() = default;

  // The owner lcore. Takes every event of the batch (written, kept or dropped with a count), or says false:
  // when_full: block and no room; the stage then calls again with the same batch, and the output goes on
  // where it stopped.
  [[nodiscard]] virtual bool take(const Batch& events, const Now& now) = 0;
  // The owner lcore, every loop: timers, reconnects, pending writes. true: did work.
  virtual bool poll(const Now& now) = 0;
  // The owner lcore, after the last take(): writes what waits; true when nothing waits (or nothing can be
  // done).
  [[nodiscard]] virtual bool drain(const Now& now) = 0;
  // Any thread: files are reopened at the next poll (SIGHUP).
  virtual void request_reopen() {}
  // Control thread after the lcore stopped, before abandon(): what take() has not accepted of the batch comes
  // in and is counted as Drop::output_shutdown.
  virtual void abandon_batch(const Batch& events) { drop_from(events, 0); }
  // Control thread after the lcore stopped: what waits is counted as Drop::output_shutdown.
  virtual void abandon() = 0;
  // Any thread: nothing can be written any more (standard output's reader is gone), so that going on is of no
  // use.
  [[nodiscard]] virtual bool ended() const { return false; }
  // Control thread, after the lcore stopped: a sentence when a fault ended the output, else empty.
  [[nodiscard]] virtual std::string fault() const { return {}; }
  // The owner lcore. A place behind all that was taken so far; whether everything before it is out: written,
  // or dropped and counted as it came. What an output gave up at its end is not. Outputs for which nothing
  // waits, because they keep no lines or have no certain reader, say that it is.
  [[nodiscard]] uint64_t place() const noexcept { return gone_events_ + counters_.backlog_events.get(); }
  [[nodiscard]] virtual bool is_out(uint64_t place) const noexcept {
    return gone_events_ >= place && !ended();
  }
  // Any thread: only what is the output's own; ExportStage shows the common counters.
  virtual void describe(MetricVisitor&) const {}

  // Any thread: of the queue on disk, if the output has one.
  [[nodiscard]] virtual std::optional<Balance> spool_balance() const { return {}; }

  [[nodiscard]] const OutputCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }
  // in_units = written_units + spooled_units + drops + backlog_units.
  [[nodiscard]] Balance balance() const noexcept {
    return {.in = counters_.in_units.get(),
            .out = counters_.written_units.get() + counters_.spooled_units.get(),
            .drops = counters_.drops.total(StageKind::output),
            .in_flight = counters_.backlog_units.get()};
  }

 protected:
  // Counts the records from this offset on as come in and dropped at shutdown.
  template <class Record = Event>
  void drop_from(const Batch& events, uint32_t at) noexcept {
    while (at < events.used) {
      const auto& event = *reinterpret_cast<const Record*>(events.data + at);
      counters_.in_events.add(1);
      counters_.in_units.add(event.units);
      counters_.drops.add(Drop::output_shutdown, event.units);
      at += event.record_len;
    }
  }

  // For outputs that keep records in blocks. The event is counted as come in already.
  template <class Record>
  void add_to_backlog(RecordBlock& block, const Record& event, RecordFormatOf<Record>& format) noexcept {
    const size_t len = block.put(event, counters_.in_events.get() - 1, format);
    if (len == 0) {
      counters_.drops.add(format.why_nothing(), event.units);
      return;
    }
    counters_.backlog_events.add(1);
    counters_.backlog_units.add(event.units);
    counters_.backlog_bytes.add(len);
  }
  // The first `settled` bytes of the block are written.
  void count_written(RecordBlock& block, size_t settled, const Now& now) noexcept {
    const RecordBlock::Count count = block.write_to(settled, now.mono_ns, counters_.latency);
    counters_.written_events.add(count.events);
    counters_.written_units.add(count.units);
    counters_.written_bytes.add(count.bytes);
    take_from_backlog(count);
  }
  // Of the first `settled` bytes of the block, what was not written is dropped.
  void count_dropped(RecordBlock& block, size_t settled, Drop reason) noexcept {
    const RecordBlock::Count count = block.drop_to(settled);
    counters_.drops.add(reason, count.units);
    take_from_backlog(count);
  }
  // What is not written of a block is in the spool.
  void count_spooled(const RecordBlock& block) noexcept {
    const RecordBlock::Count count = block.rest();
    counters_.spooled_events.add(count.events);
    counters_.spooled_units.add(count.units);
    take_from_backlog(count);
  }
  // What is not written of a block that goes.
  void drop_rest(const RecordBlock& block, Drop reason) noexcept {
    const RecordBlock::Count count = block.rest();
    counters_.drops.add(reason, count.units);
    take_from_backlog(count);
  }

  OutputCounters counters_;

 private:
  void take_from_backlog(const RecordBlock::Count& count) noexcept {
    gone_events_ += count.events;
    counters_.backlog_events.set(counters_.backlog_events.get() - count.events);
    counters_.backlog_units.set(counters_.backlog_units.get() - count.units);
    counters_.backlog_bytes.set(counters_.backlog_bytes.get() - count.bytes);
  }

  std::string name_;
  unsigned lcore_;
  uint64_t gone_events_ = 0;  // that were in the backlog and are not any more
};

}  // namespace weir
