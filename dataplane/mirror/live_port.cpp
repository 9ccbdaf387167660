#include "dataplane/mirror/live_port.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/clock.h"

namespace weir {
namespace {

PortState sum(const PortState& a, const PortState& b) {
  return {.missed = a.missed + b.missed,
          .no_mbuf = a.no_mbuf + b.no_mbuf,
          .errors = a.errors + b.errors,
          .up = false};
}

}  // namespace

Result<std::shared_ptr<LivePort>> LivePort::open(const MirrorOptions& options, const MirrorEal& eal) {
  auto port = DpdkPort::open(options, eal);
  if (!port) return port.error();
  return std::shared_ptr<LivePort>(new LivePort(options, eal, std::move(*port)));
}

LivePort::LivePort(const MirrorOptions& options, MirrorEal eal, std::unique_ptr<DpdkPort> port)
    : options_(options), eal_(std::move(eal)), lent_(options.queues), port_(std::move(port)) {
  lend();
}

void LivePort::lend() {
  for (auto& lent : lent_) lent.store(port_.get(), std::memory_order_release);
}

PortState LivePort::look() {
  const std::lock_guard lock(mutex_);
  if (port_ == nullptr || is_wanted_back()) return sum(past_, last_);
  PortState state = port_->read_state();
  // The registers of a NIC that is no more read as all ones.
  if (port_->is_gone()) return sum(past_, last_);
  last_ = sum(state, {});
  PortState all = sum(past_, last_);
  all.up = state.up;
  all.counters = std::move(state.counters);
  return all;
}

void LivePort::mend() {
  if (stopped_.load(std::memory_order_acquire)) return;
  if (notice_loss()) {
    if (!all_given_back()) return;
    close_gone();
  }
  if (port_ == nullptr && read_clock().mono_ns >= next_try_ns_) try_again();
}

// Whether the port is to be closed. Only mend() writes port_.
bool LivePort::notice_loss() {
  if (port_ == nullptr) return false;
  if (is_wanted_back()) return true;
  {
    const std::lock_guard lock(mutex_);
    if (port_->was_up()) backoff_.reset();
    if (!port_->is_gone()) return false;
  }
  gone_.fetch_add(1, std::memory_order_relaxed);
  wanted_back_.store(true, std::memory_order_release);
  spdlog::warn(
      "mirror input \"{}\": port {} is gone; it is closed, and opened again when it is back, which is tried "
      "at growing pauses. Packets until then are not seen",
      options_.name, options_.port);
  return true;
}

bool LivePort::all_given_back() const noexcept {
  return std::all_of(lent_.begin(), lent_.end(),
                     [](const auto& lent) { return lent.load(std::memory_order_acquire) == nullptr; });
}

void LivePort::close_gone() {
  std::unique_ptr<DpdkPort> old;
  {
    const std::lock_guard lock(mutex_);
    past_ = sum(past_, last_);
    last_ = {};
    old = std::move(port_);
  }
  wanted_back_.store(false, std::memory_order_release);
  DpdkPort::unplug(std::move(old), eal_);
  next_try_ns_ = read_clock().mono_ns + backoff_.next_ns();
}

void LivePort::try_again() {
  auto opened = DpdkPort::open_again(options_, eal_);
  if (!opened) {
    // What is half open would be in the way of the next try.
    DpdkPort::unplug(nullptr, eal_);
    next_try_ns_ = read_clock().mono_ns + backoff_.next_ns();
    if (opened.error().message != complaint_)
      spdlog::warn("{} It was there before; it is tried again at growing pauses.", opened.error().message);
    complaint_ = opened.error().message;
    return;
  }
  complaint_.clear();
  const std::lock_guard lock(mutex_);
  port_ = std::move(*opened);
  lend();
  reopened_.fetch_add(1, std::memory_order_relaxed);
  spdlog::warn("mirror input \"{}\": port {} is back and was opened again", options_.name, options_.port);
}

void LivePort::describe(MetricVisitor& visitor) const {
  const Labels labels = {{"input", options_.name}};
  visitor.counter("weir_mirror_gone_total",
                  "Times that the mirror input's port went away. More than weir_mirror_reopened_total: it is "
                  "away now, and the log says why it cannot be opened.",
                  labels, static_cast<double>(gone_.load(std::memory_order_relaxed)));
  visitor.counter("weir_mirror_reopened_total",
                  "Times that the mirror input's port or interface went away, was back or made anew, and was "
                  "opened again. Packets in between are in no count.",
                  labels, static_cast<double>(reopened_.load(std::memory_order_relaxed)));
}

}  // namespace weir
