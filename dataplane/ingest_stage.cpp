#include "dataplane/ingest_stage.h"

#include <string>
#include <utility>

namespace weir {

IngestStage::IngestStage(unsigned lcore, std::vector<std::unique_ptr<Input>> inputs,
                         const std::vector<Ring*>& rings, std::unique_ptr<BatchPool> pool,
                         std::unique_ptr<CaptureTap> tap)
    : lcore_(lcore),
      pool_(std::move(pool)),
      inputs_(std::move(inputs)),
      ended_(inputs_.size(), false),
      writer_(rings, *pool_, std::move(tap)) {}

Poll IngestStage::poll(const Now& now) {
  if (!stopped_ && stop_requested_.load(std::memory_order_relaxed)) {
    stopped_ = true;
    for (auto& input : inputs_) input->stop(now);
  }
  bool busy = false;
  bool all_ended = true;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (ended_[i]) continue;
    const Poll result = inputs_[i]->poll(now, writer_);
    busy |= result == Poll::busy;
    ended_[i] = result == Poll::done;
    all_ended &= ended_[i];
  }
  if (all_ended) {
    if (!writer_.flush()) return Poll::idle;
    writer_.close();
    all_ended_.store(true, std::memory_order_relaxed);
    return Poll::done;
  }
  writer_.end_burst(now);
  return busy ? Poll::busy : Poll::idle;
}

void IngestStage::abandon() {
  for (auto& input : inputs_) input->abandon();
  drops_.add(Drop::ingest_shutdown, writer_.abandon());
}

Balance IngestStage::balance() const noexcept {
  Balance balance;
  for (const auto& input : inputs_) {
    const InputCounters& c = input->counters();
    balance.in += c.units.get();
    balance.drops += c.drops.total(StageKind::ingest);
    balance.in_flight += c.held.get();
  }
  balance.drops += drops_.total(StageKind::ingest);
  balance.in_flight += writer_.open_units();
  balance.out = writer_.pushed();
  return balance;
}

void IngestStage::describe(MetricVisitor& visitor) const {
  const std::string lcore = std::to_string(lcore_);
  for (const auto& input : inputs_) {
    const InputCounters& c = input->counters();
    visitor.counter("weir_ingest_units_total",
                    "dnstap frames and packets that came in, those lost by the NIC or kernel too.",
                    {{"input", input->name()}, {"lcore", lcore}}, static_cast<double>(c.units.get()));
    visitor.counter("weir_ingest_bytes_total", "Bytes that came in.",
                    {{"input", input->name()}, {"lcore", lcore}}, static_cast<double>(c.bytes.get()));
    visitor.counter("weir_ingest_frames_total", "Frames handed to the decode lcores.",
                    {{"input", input->name()}, {"lcore", lcore}}, static_cast<double>(c.frames.get()));
    visitor.counter("weir_ingest_backpressure_seconds_total",
                    "Time in which input waited because the decode lcores were behind; senders are slowed. "
                    "Growing: give more decode or export lcores.",
                    {{"input", input->name()}, {"lcore", lcore}},
                    static_cast<double>(c.backpressure_ns.get()) * 1e-9);
    visitor.gauge("weir_ingest_held_units",
                  "Units taken in that wait for room in a ring, or for the other packets of their message.",
                  {{"input", input->name()}, {"lcore", lcore}}, static_cast<double>(c.held.get()));
    c.drops.describe(visitor, StageKind::ingest, {{"input", input->name()}, {"lcore", lcore}});
    input->describe(visitor);
  }
  drops_.describe(visitor, StageKind::ingest, {{"input", ""}, {"lcore", lcore}});
  if (writer_.tap() != nullptr) writer_.tap()->describe(visitor, lcore_);
  visitor.gauge("weir_pool_batches_in_use", "Batches of the pool that are filled, waiting or being read.",
                {{"stage", "ingest"}, {"lcore", lcore}}, static_cast<double>(pool_->in_use()));
  visitor.gauge("weir_pool_batches", "Batches that the pool has.", {{"stage", "ingest"}, {"lcore", lcore}},
                static_cast<double>(pool_->size()));
}

}  // namespace weir
