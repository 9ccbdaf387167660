#include "dataplane/mirror/port_watch.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace weir {

PortWatch::PortWatch(std::string input, std::string port, std::function<PortState()> read,
                     std::function<void()> mend)
    : input_(std::move(input)), port_(std::move(port)), read_(std::move(read)), mend_(std::move(mend)) {
  store(read_());
  if (!state().up)
    spdlog::warn("mirror input \"{}\": the link of {} is down: no packets can come", input_, port_);
  thread_ = std::thread([this] { run(); });
}

PortWatch::~PortWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

PortState PortWatch::state() const noexcept {
  return {.missed = missed_.load(std::memory_order_relaxed),
          .no_mbuf = no_mbuf_.load(std::memory_order_relaxed),
          .errors = errors_.load(std::memory_order_relaxed),
          .up = up_.load(std::memory_order_relaxed)};
}

void PortWatch::store(PortState state) noexcept {
  missed_.store(state.missed, std::memory_order_relaxed);
  no_mbuf_.store(state.no_mbuf, std::memory_order_relaxed);
  errors_.store(state.errors, std::memory_order_relaxed);
  up_.store(state.up, std::memory_order_relaxed);
  counters_ = std::move(state.counters);
}

void PortWatch::look() {
  const std::lock_guard lock(mutex_);
  store(read_());
}

void PortWatch::run() {
  (void)pthread_setname_np(pthread_self(), "weir-port-watch");
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; })) {
    if (mend_) {
      lock.unlock();  // a scrape and the end of an lcore wait for the mutex
      mend_();
      lock.lock();
    }
    const bool was_up = state().up;
    store(read_());
    const bool up = state().up;
    if (up != was_up) link_changes_.fetch_add(1, std::memory_order_relaxed);
    if (was_up && !up)
      spdlog::warn("mirror input \"{}\": the link of {} went down: no packets can come", input_, port_);
    if (!was_up && up) spdlog::info("mirror input \"{}\": the link of {} is up again", input_, port_);
  }
}

void PortWatch::describe(MetricVisitor& visitor) const {
  visitor.gauge("weir_mirror_link_up",
                "1: the link of the mirror input's port is up. 0: no packets can come: check cable, tap and "
                "switch.",
                {{"input", input_}}, state().up ? 1 : 0);
  visitor.counter(
      "weir_mirror_link_changes_total",
      "Times that the link of the mirror input's port was seen to go up or down. Growing: a bad cable "
      "or transceiver.",
      {{"input", input_}}, static_cast<double>(link_changes_.load(std::memory_order_relaxed)));
  const std::lock_guard lock(mutex_);
  for (const NicCounter& counter : counters_)
    visitor.counter(
        "weir_mirror_nic_total",
        "What the NIC's driver counts of received packets, by its own names (DPDK's xstats), a queue and "
        "in all.",
        {{"input", input_}, {"counter", counter.name}}, static_cast<double>(counter.value));
}

}  // namespace weir
