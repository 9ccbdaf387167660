#include "exporters/export_stage.h"

#include <string>
#include <utility>

namespace weir {
namespace {

constexpr int kBatchesAPoll = 4;

void describe_output(MetricVisitor& visitor, const Output& output, const Labels& labels) {
  const OutputCounters& c = output.counters();
  const auto counter = [&](std::string_view name, std::string_view help, const Counter& value) {
    visitor.counter(name, help, labels, static_cast<double>(value.get()));
  };
  const auto gauge = [&](std::string_view name, std::string_view help, const Counter& value) {
    visitor.gauge(name, help, labels, static_cast<double>(value.get()));
  };
  counter("weir_output_events_total", "Events given to the output.", c.in_events);
  counter("weir_output_written_events_total", "Events of which the destination has taken the last byte.",
          c.written_events);
  counter("weir_output_written_bytes_total", "Bytes of events that the destination has taken.",
          c.written_bytes);
  counter("weir_output_spooled_events_total",
          "Events that went to the output's spool, from where weir_spool_* tell of them. Growing: the "
          "destination is away or slow.",
          c.spooled_events);
  gauge("weir_output_backlog_events",
        "Events that wait for the destination. Staying high: the destination is slower than the traffic.",
        c.backlog_events);
  gauge("weir_output_backlog_bytes", "Bytes that wait for the destination; limited by backlog.",
        c.backlog_bytes);
  gauge("weir_output_up",
        "1: the destination takes data. 0: it does not, or was not reached yet; the log has the reason.",
        c.up);
  counter("weir_output_faults_total",
          "Opens, connects and writes that failed. Growing: see the log for the reason.", c.faults);
  visitor.counter("weir_output_block_seconds_total",
                  "Time in which a full output with when_full: block held the street. Growing: the "
                  "destination is too slow, and inputs are slowed or lose.",
                  labels, static_cast<double>(c.block_ns.get()) * 1e-9);
  visitor.histogram("weir_output_latency_seconds",
                    "Time from arrival of an event's last frame until the destination took it.", labels,
                    c.latency);
  c.drops.describe(visitor, StageKind::output, labels);
  output.describe(visitor);
}

}  // namespace

ExportStage::ExportStage(unsigned lcore, std::vector<Ring*> in, std::vector<std::unique_ptr<Output>> outputs)
    : lcore_(lcore), in_(std::move(in)), outputs_(std::move(outputs)) {}

Poll ExportStage::poll(const Now& now) {
  bool busy = false;
  for (auto& output : outputs_) busy |= output->poll(now);
  if (!marks_.empty()) pass_marks();
  for (int n = 0; n < kBatchesAPoll; ++n) {
    if (current_ == nullptr && !pop_next()) break;
    if (!give_current(now)) return busy ? Poll::busy : Poll::idle;
    busy = true;
  }
  if (busy) return Poll::busy;
  if (!draining_) {
    for (const Ring* ring : in_)
      if (!ring->ended()) return Poll::idle;
    draining_ = true;
  }
  bool drained = true;
  for (auto& output : outputs_) drained &= output->drain(now);
  pass_marks();
  return drained ? Poll::done : Poll::idle;
}

std::vector<uint64_t> ExportStage::places() const {
  std::vector<uint64_t> places;
  places.reserve(outputs_.size());
  for (const auto& output : outputs_) places.push_back(output->place());
  return places;
}

void ExportStage::pass_marks() {
  marks_.pass([&](const Mark& mark, const std::vector<uint64_t>& behind) {
    for (size_t i = 0; i < outputs_.size(); ++i)
      if (!outputs_[i]->is_out(behind[i])) return false;
    mark.arrived->set(mark.number);
    return true;
  });
}

// Round robin, so that one busy shard cannot starve the others.
bool ExportStage::pop_next() noexcept {
  for (size_t tried = 0; tried < in_.size(); ++tried) {
    Ring* ring = in_[next_ring_];
    next_ring_ = next_ring_ + 1 == in_.size() ? 0 : next_ring_ + 1;
    current_ = ring->pop();
    if (current_ == nullptr) continue;
    current_ring_ = ring;
    taken_ = 0;
    held_units_.set(current_->units);
    return true;
  }
  return false;
}

bool ExportStage::give_current(const Now& now) {
  for (; taken_ < outputs_.size(); ++taken_)
    if (!outputs_[taken_]->take(*current_, now)) return false;
  if (current_->mark && !marks_.put(current_->mark, places())) return false;
  out_units_.add(current_->units);
  release_current();
  return true;
}

void ExportStage::release_current() noexcept {
  current_ring_->release(std::exchange(current_, nullptr));
  held_units_.set(0);
}

void ExportStage::abandon() {
  // A batch that some outputs have taken and others not yet: each counts what it lacks.
  if (current_ != nullptr) {
    for (; taken_ < outputs_.size(); ++taken_) outputs_[taken_]->abandon_batch(*current_);
    out_units_.add(current_->units);
    release_current();
  }
  for (auto& output : outputs_) output->abandon();
  while (pop_next()) {
    drops_.add(Drop::output_shutdown, current_->units);
    release_current();
  }
}

Balance ExportStage::balance() const noexcept {
  uint64_t in = 0;
  for (const Ring* ring : in_) in += ring->popped();
  return {.in = in,
          .out = out_units_.get(),
          .drops = drops_.total(StageKind::output),
          .in_flight = held_units_.get()};
}

void ExportStage::describe(MetricVisitor& visitor) const {
  const std::string lcore = std::to_string(lcore_);
  visitor.counter("weir_export_units_total", "Units popped from the decode lcores' rings.",
                  {{"lcore", lcore}}, static_cast<double>(balance().in));
  for (const auto& output : outputs_)
    describe_output(visitor, *output, {{"output", output->name()}, {"lcore", lcore}});
  drops_.describe(visitor, StageKind::output, {{"output", ""}, {"lcore", lcore}});
}

}  // namespace weir
