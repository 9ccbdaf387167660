#include "dataplane/mirror/interface_rings.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weir {

Result<std::shared_ptr<InterfaceRings>> InterfaceRings::open(const MirrorOptions& options) {
  auto rings = open_packet_rings(options);
  if (!rings) return rings.error();
  return std::shared_ptr<InterfaceRings>(new InterfaceRings(options, std::move(*rings)));
}

InterfaceRings::InterfaceRings(const MirrorOptions& options, std::vector<std::unique_ptr<PacketRing>> rings)
    : options_(options) {
  for (auto& ring : rings) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->newest = slots_.back()->reading = ring.get();
    slots_.back()->rings.push_back(std::move(ring));
  }
}

PortState InterfaceRings::look() {
  const std::lock_guard lock(mutex_);
  for (auto& slot : slots_)
    if (slot->is_taken()) slot->rings.erase(slot->rings.begin(), slot->rings.end() - 1);
  const int index = interface_index(options_.interface);
  if (index == 0) return {.up = false};
  const bool is_read = slots_.front()->rings.back()->is_bound_to(index) || closed_ || open_anew();
  return {.up = is_read && interface_is_up(options_.interface)};
}

bool InterfaceRings::open_anew() {
  // A queue whose lcore waits for room has not taken the last one yet; a third ring would be memory that the
  // plan does not count.
  if (!std::all_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->is_taken(); }))
    return false;
  auto opened = open_packet_rings(options_);
  if (!opened) {
    complain(opened.error().message);
    return false;
  }
  for (size_t queue = 0; queue < slots_.size(); ++queue) {
    Slot& slot = *slots_[queue];
    slot.rings.back()->close_intake();  // the interface may live on under another name
    slot.rings.push_back(std::move((*opened)[queue]));
    slot.newest.store(slot.rings.back().get(), std::memory_order_release);
  }
  complaint_.clear();
  reopened_.fetch_add(1, std::memory_order_relaxed);
  spdlog::warn(
      "mirror input \"{}\": interface {} was removed and made anew; the new one is read from now on, its "
      "packets until now were not seen",
      options_.name, options_.interface);
  return true;
}

void InterfaceRings::complain(const std::string& fault) {
  if (fault == complaint_) return;
  complaint_ = fault;
  spdlog::warn(
      "{} It was removed and made anew; no packets are seen until it can be opened, which is tried "
      "each second.",
      fault);
}

bool InterfaceRings::is_outdated(unsigned queue) const noexcept { return !slots_[queue]->is_taken(); }

PacketRing& InterfaceRings::take_newest(unsigned queue) noexcept {
  Slot& slot = *slots_[queue];
  PacketRing* newest = slot.newest.load(std::memory_order_acquire);
  slot.reading.store(newest, std::memory_order_release);
  return *newest;
}

void InterfaceRings::close_intake(unsigned queue) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& ring : slots_[queue]->rings) ring->close_intake();
}

void InterfaceRings::describe(MetricVisitor& visitor) const {
  visitor.counter("weir_mirror_reopened_total",
                  "Times that the mirror input's port or interface went away, was back or made anew, and was "
                  "opened again. Packets in between are in no count.",
                  {{"input", options_.name}}, static_cast<double>(reopened_.load(std::memory_order_relaxed)));
}

}  // namespace weir
