// EventWriter: the decode lcore's EventSink: Events into the batches of the ring to the export lcore, with
// the counters of what went in. Owner: the decode stage.
#pragma once

#include <array>

#include "core/batch_writer.h"
#include "core/drop.h"
#include "core/metric.h"
#include "decoder/event_sink.h"

namespace weir {

class EventWriter final : public EventSink {
 public:
  // Both outlive the writer.
  EventWriter(Ring& ring, BatchPool& pool) : pool_(pool), writer_(ring, pool) {}

  // The time of the poll, for batches that are opened in it.
  void begin_burst(uint64_t mono_ns) noexcept { mono_ns_ = mono_ns; }
  void end_burst() noexcept { writer_.end_burst(mono_ns_); }
  // A mark behind all events so far. false: no room, call again.
  [[nodiscard]] bool put(const Mark& mark) noexcept { return writer_.put(mark, mono_ns_); }
  // false: the ring is full, call again.
  [[nodiscard]] bool flush() noexcept { return writer_.flush(); }
  void close() noexcept { writer_.ring().close(); }
  // The drain time is over: the open batch's units are counted as Drop::decode_shutdown.
  void abandon() noexcept { drops_.add(Drop::decode_shutdown, writer_.abandon()); }

  [[nodiscard]] Room reserve(size_t bytes_len, Event*& event) noexcept override;
  void commit() noexcept override;
  void drop(Drop drop, uint64_t units) noexcept override { drops_.add(drop, units); }

  // Any thread.
  [[nodiscard]] uint64_t pushed() const noexcept { return writer_.ring().pushed(); }  // units
  [[nodiscard]] uint64_t open_units() const noexcept { return writer_.open_units(); }
  [[nodiscard]] uint64_t dropped() const noexcept { return drops_.total(StageKind::decode); }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  BatchPool& pool_;
  BatchWriter writer_;
  Event* reserved_ = nullptr;
  uint64_t mono_ns_ = 0;
  Counter events_;
  std::array<Counter, static_cast<size_t>(Malformed::count_)> malformed_;  // DNS messages, by reason
  DropCounters drops_;
};

}  // namespace weir
