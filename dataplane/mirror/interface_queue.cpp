#include "dataplane/mirror/interface_queue.h"

#include <string>
#include <utility>

namespace weir {
namespace {

constexpr unsigned kBurst = 64;
// Packets that were on their way when the intake was closed have arrived after this, and the kernel has given
// over the block that it was filling.
constexpr uint64_t kSettleNs = 20 * kNsPerMs;

}  // namespace

InterfaceQueue::InterfaceQueue(const MirrorOptions& options, uint16_t input, unsigned lcore,
                               std::shared_ptr<InterfaceRings> rings, unsigned queue,
                               std::shared_ptr<PortWatch> watch)
    : Input(options.name, input, lcore),
      rings_(std::move(rings)),
      queue_(queue),
      ring_(&rings_->take_newest(queue)),
      watch_(std::move(watch)),
      intake_(options.packets, input, true, options.overflow == Overflow::backpressure) {}

Poll InterfaceQueue::poll(const Now& now, FrameWriter& writer) {
  if (blocked_since_ns_ != 0) {
    counters_.backpressure_ns.add(now.mono_ns - blocked_since_ns_);
    blocked_since_ns_ = 0;
  }
  if (now.mono_ns - counted_at_ns_ >= kNsPerSec) {
    counted_at_ns_ = now.mono_ns;
    count_losses();
  }
  if (intake_.forget_old(now, counters_)) counters_.held.set(intake_.held_units());
  unsigned taken = 0;
  uint64_t bytes = 0;
  for (; taken < kBurst; ++taken) {
    const auto captured = ring_->front();
    if (!captured) break;
    if (!intake_.in_progress()) counters_.units.add(1);
    if (!intake_.take(captured->packet, captured->time_ns, now, writer, counters_)) {
      blocked_since_ns_ = now.mono_ns;
      break;
    }
    bytes += captured->packet.wire_len;
    ring_->advance();
  }
  counters_.bytes.add(bytes);
  polled_ += taken;
  counters_.held.set(intake_.held_units());
  if (taken != 0) return Poll::busy;
  if (blocked_since_ns_ != 0) return Poll::idle;
  return closed_at_ns_ != 0 || rings_->is_outdated(queue_) ? end_ring(now, writer) : Poll::idle;
}

// Nothing comes into the ring any more: stopped, or its interface is no longer the one of that name.
Poll InterfaceQueue::end_ring(const Now& now, FrameWriter& writer) noexcept {
  if (closed_at_ns_ == 0) closed_at_ns_ = now.mono_ns;
  if (now.mono_ns - closed_at_ns_ < kSettleNs || !emptied()) return Poll::idle;
  if (!rings_->is_outdated(queue_)) {
    const bool finished = intake_.finish(now, writer, counters_);
    counters_.held.set(intake_.held_units());
    return finished ? Poll::done : Poll::idle;
  }
  take_newest_ring();
  closed_at_ns_ = stopped_ ? now.mono_ns : 0;
  return Poll::busy;
}

bool InterfaceQueue::emptied() noexcept {
  count_losses();
  return polled_ == counts_.put;
}

void InterfaceQueue::take_newest_ring() noexcept {
  ring_ = &rings_->take_newest(queue_);
  counts_ = {};
  polled_ = 0;
}

void InterfaceQueue::count_losses() noexcept {
  const uint64_t before = counts_.lost;
  counts_ = ring_->read_counts();
  counters_.drops.add(Drop::kernel_drop, counts_.lost - before);
  counters_.units.add(counts_.lost - before);
}

void InterfaceQueue::stop(const Now& now) {
  rings_->close_intake(queue_);
  stopped_ = true;
  closed_at_ns_ = now.mono_ns;
}

// What is left in the ring was never polled, so it is no unit yet.
void InterfaceQueue::abandon() {
  const auto count_rest = [this] {
    count_losses();
    const uint64_t left = counts_.put - polled_ - (intake_.in_progress() ? 1U : 0U);
    counters_.units.add(left);
    counters_.drops.add(Drop::ingest_shutdown, left);
    polled_ = counts_.put;
  };
  count_rest();
  intake_.abandon(counters_);
  counters_.held.set(intake_.held_units());
  if (!rings_->is_outdated(queue_)) return;
  take_newest_ring();
  count_rest();
}

void InterfaceQueue::describe(MetricVisitor& visitor) const {
  intake_.describe(visitor, {{"input", name()}, {"lcore", std::to_string(lcore())}});
  if (watch_ == nullptr) return;
  watch_->describe(visitor);
  rings_->describe(visitor);
}

}  // namespace weir
