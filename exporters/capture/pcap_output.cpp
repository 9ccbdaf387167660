#include "exporters/capture/pcap_output.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr int kBatchesAPoll = 4;
using Packets = RecordOutputOf<CapturedPacket>;

}  // namespace

PcapOutput::PcapOutput(const PcapOptions& options, unsigned lcore, std::unique_ptr<PacketFormat> format,
                       std::unique_ptr<Sink> sink)
    : Packets(options.name, lcore, options.waiting, std::move(format), std::move(sink)) {}

bool PcapOutput::poll(const Now& now) {
  bool worked = Packets::poll(now);
  if (!marks_.empty()) pass_marks();
  for (int n = 0; n < kBatchesAPoll; ++n) {
    if (current_ == nullptr && !pop_next()) break;
    if (!take_current(now)) break;
    worked = true;
  }
  return worked;
}

bool PcapOutput::take_current(const Now& now) {
  if (!taken_ && !Packets::take(*current_, now)) return false;
  taken_ = true;
  if (current_->mark && !marks_.put(current_->mark, place())) return false;
  release_current();
  return true;
}

void PcapOutput::release_current() noexcept {
  current_ring_->release(std::exchange(current_, nullptr));
  taken_ = false;
}

void PcapOutput::pass_marks() {
  marks_.pass([&](const Mark& mark, uint64_t behind) {
    if (!Packets::is_out(behind)) return false;
    mark.arrived->set(mark.number);
    return true;
  });
}

// Round robin, so that one busy ingest lcore cannot starve the others.
bool PcapOutput::pop_next() noexcept {
  for (size_t tried = 0; tried < in_.size(); ++tried) {
    current_ring_ = in_[next_ring_];
    next_ring_ = next_ring_ + 1 == in_.size() ? 0 : next_ring_ + 1;
    current_ = current_ring_->pop();
    if (current_ != nullptr) return true;
  }
  return false;
}

bool PcapOutput::drain(const Now& now) {
  while (current_ != nullptr || pop_next())
    if (!take_current(now)) return false;
  const bool all_in = std::all_of(in_.begin(), in_.end(), [](const Ring* ring) { return ring->ended(); });
  const bool drained = all_in && Packets::drain(now);
  pass_marks();
  return drained;
}

void PcapOutput::abandon() {
  while (current_ != nullptr || pop_next()) {
    if (!taken_) Packets::abandon_batch(*current_);
    release_current();
  }
  Packets::abandon();
}

uint64_t PcapOutput::under_way() const noexcept {
  uint64_t pushed = 0;
  for (const Ring* ring : in_) pushed += ring->pushed();
  return pushed - counters().in_units.get();
}

}  // namespace weir
