#include "dataplane/mirror/dpdk_queue.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <string>
#include <utility>

namespace weir {
namespace {

constexpr size_t kLongestPacket = 64U << 10U;

}  // namespace

DpdkQueue::DpdkQueue(const MirrorOptions& options, uint16_t input, unsigned lcore,
                     std::shared_ptr<LivePort> port, uint16_t queue, std::shared_ptr<PortWatch> watch)
    : Input(options.name, input, lcore),
      live_(std::move(port)),
      watch_(std::move(watch)),
      intake_(options.packets, input, true, options.overflow == Overflow::backpressure),
      queue_(queue),
      linear_(kLongestPacket) {}

DpdkQueue::~DpdkQueue() { free_burst(); }

Poll DpdkQueue::poll(const Now& now, FrameWriter& writer) {
  if (blocked_since_ns_ != 0) {
    counters_.backpressure_ns.add(now.mono_ns - blocked_since_ns_);
    blocked_since_ns_ = 0;
  }
  if (next_ == count_) {
    if (watch_ != nullptr) take_losses();
    if (intake_.forget_old(now, counters_)) set_held();
    if (!receive()) return stopped_ ? end(now, writer) : Poll::idle;
  }
  if (!write_burst(now, writer)) {
    set_held();
    blocked_since_ns_ = now.mono_ns;
    return Poll::idle;
  }
  free_burst();
  set_held();
  return stopped_ && left_ == 0 ? end(now, writer) : Poll::busy;
}

// The next burst. false: nothing has come, or nothing can.
bool DpdkQueue::receive() noexcept {
  next_ = count_ = 0;
  port_ = live_->port(queue_);
  if (port_ == nullptr) return false;
  // What had arrived by then is no more than the descriptors; on a busy link new packets never end.
  if (!ending_ && live_->is_wanted_back()) {
    ending_ = true;
    left_ = port_->descriptors();
  }
  if ((!ending_ || left_ != 0) && !port_->is_removed())
    count_ = rte_eth_rx_burst(port_->id(), queue_, burst_.data(), kBurst);
  if (count_ == 0) {
    left_ = 0;
    if (!ending_ || stopped_) return false;
    ending_ = false;
    live_->give_back(queue_);
    return false;
  }
  left_ -= std::min<uint32_t>(left_, count_);
  uint64_t bytes = 0;
  for (uint16_t i = 0; i < count_; ++i) bytes += burst_[i]->pkt_len;
  counters_.units.add(count_);
  counters_.bytes.add(bytes);
  return true;
}

Poll DpdkQueue::end(const Now& now, FrameWriter& writer) noexcept {
  const bool finished = intake_.finish(now, writer, counters_);
  set_held();
  return finished ? Poll::done : Poll::idle;
}

// A packet in progress is held by the intake.
void DpdkQueue::set_held() noexcept {
  const unsigned in_burst = count_ - next_ - (intake_.in_progress() ? 1U : 0U);
  counters_.held.set(in_burst + intake_.held_units());
}

// false: waits for room.
bool DpdkQueue::write_burst(const Now& now, FrameWriter& writer) noexcept {
  constexpr uint16_t kAhead = 4;
  for (; next_ < count_; ++next_) {
    if (next_ + kAhead < count_) rte_prefetch0(rte_pktmbuf_mtod(burst_[next_ + kAhead], void*));
    const rte_mbuf& mbuf = *burst_[next_];
    if (!intake_.take(packet_of(mbuf), port_->time_of(mbuf, now.wall_ns), now, writer, counters_))
      return false;
  }
  return true;
}

Packet DpdkQueue::packet_of(const rte_mbuf& mbuf) noexcept {
  const auto len = std::min<uint32_t>(mbuf.pkt_len, kLongestPacket);
  const void* bytes = rte_pktmbuf_read(&mbuf, 0, len, linear_.data());
  return {.bytes = {static_cast<const uint8_t*>(bytes), bytes != nullptr ? len : 0},
          .wire_len = mbuf.pkt_len,
          .link = LinkType::ethernet,
          .vlan = (mbuf.ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 ? std::optional(mbuf.vlan_tci)
                                                                     : std::nullopt};
}

void DpdkQueue::free_burst() noexcept {
  rte_pktmbuf_free_bulk(burst_.data(), count_);
  count_ = next_ = 0;
}

void DpdkQueue::count_losses(uint64_t total, Drop drop) noexcept {
  const uint64_t counted = counters_.drops.get(drop);
  if (total <= counted) return;
  counters_.drops.add(drop, total - counted);
  counters_.units.add(total - counted);
}

void DpdkQueue::take_losses() noexcept {
  const PortState state = watch_->state();
  count_losses(state.missed, Drop::nic_missed);
  count_losses(state.no_mbuf, Drop::nic_no_mbuf);
  count_losses(state.errors, Drop::nic_error);
}

void DpdkQueue::stop(const Now&) {
  stopped_ = true;
  ending_ = true;
  live_->stop();
  const DpdkPort* port = live_->port(queue_);
  left_ = port != nullptr ? port->descriptors() : 0;
  if (watch_ == nullptr) return;
  watch_->look();
  take_losses();
}

void DpdkQueue::abandon() {
  counters_.drops.add(Drop::ingest_shutdown, count_ - next_ - (intake_.in_progress() ? 1U : 0U));
  intake_.abandon(counters_);
  free_burst();
  set_held();
}

void DpdkQueue::describe(MetricVisitor& visitor) const {
  if (watch_ != nullptr) {
    watch_->describe(visitor);
    live_->describe(visitor);
  }
  intake_.describe(visitor, {{"input", name()}, {"lcore", std::to_string(lcore())}});
}

}  // namespace weir
