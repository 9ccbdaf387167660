#include "exporters/sinks/offloaded_sink.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstring>
#include <utility>

namespace weir {
namespace {

// The inner sink's timers, and its next try.
constexpr auto kTurn = std::chrono::milliseconds(50);

// A new thread starts on its maker's CPU, which is an lcore's.
void leave_the_lcores_cpu() {
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  (void)pthread_setaffinity_np(pthread_self(), sizeof all, &all);
}

}  // namespace

OffloadedSink::OffloadedSink(std::unique_ptr<Sink> inner)
    : inner_(std::move(inner)), thread_([this] { work(); }) {}

OffloadedSink::~OffloadedSink() { stop(); }

size_t OffloadedSink::write(std::string_view records, size_t sent, const Now& /*now*/) {
  if (has_ended_.load(std::memory_order_acquire)) return sent;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) return sent;
    waiting_.push_back(records.substr(sent));
  }
  woken_.notify_one();
  taken_ += records.size() - sent;
  return records.size();
}

std::deque<RefusedRecord>* OffloadedSink::refusals() {
  const std::lock_guard lock(mutex_);
  for (; !refused_now_.empty(); refused_now_.pop_front()) refused_.push_back(refused_now_.front());
  return &refused_;
}

const std::string& OffloadedSink::ended() const noexcept {
  return has_ended_.load(std::memory_order_acquire) ? ended_ : never_;
}

bool OffloadedSink::finish(const Now& /*now*/) {
  const std::lock_guard lock(mutex_);
  finishing_ = true;
  woken_.notify_one();
  return finished_;
}

void OffloadedSink::abandon(std::string_view /*records*/, size_t /*sent*/) {
  stop();
  if (!waiting_.empty()) inner_->abandon(waiting_.front(), sent_of_first_);
}

void OffloadedSink::stop() {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_relaxed);
  inner_->interrupt();
  woken_.notify_one();
  thread_.join();
}

void OffloadedSink::work() {
  leave_the_lcores_cpu();
  while (!stop_.load(std::memory_order_relaxed)) {
    std::string_view records;
    bool finishing = false;
    {
      std::unique_lock lock(mutex_);
      if (waiting_.empty() && !finishing_) woken_.wait_for(lock, kTurn);
      if (!waiting_.empty()) records = waiting_.front();
      finishing = waiting_.empty() && finishing_;
    }
    (void)inner_->poll(read_clock());
    if (!records.empty()) write_first(records);
    const bool finished = finishing && inner_->finish(read_clock());
    copy_state();
    if (!finishing) continue;
    std::unique_lock lock(mutex_);
    finished_ = finished;
    woken_.wait_for(lock, kTurn);
  }
}

void OffloadedSink::write_first(std::string_view records) {
  size_t& sent = sent_of_first_;
  while (sent < records.size() && !stop_.load(std::memory_order_relaxed)) {
    const size_t before = sent;
    sent = inner_->write(records, sent, read_clock());
    copy_state();  // what was refused is known before it counts as settled
    settled_.fetch_add(sent - before, std::memory_order_release);
    if (!inner_->ended().empty()) return;
    if (sent == records.size()) break;
    if (sent == before) {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, kTurn, [&] { return stop_.load(std::memory_order_relaxed); });
    }
    (void)inner_->poll(read_clock());
  }
  if (sent < records.size()) return;
  const std::lock_guard lock(mutex_);
  waiting_.pop_front();
  sent = 0;
}

void OffloadedSink::copy_state() {
  up_.store(inner_->up(), std::memory_order_relaxed);
  faults_.store(inner_->faults(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (std::deque<RefusedRecord>* refused = inner_->refusals()) {
    for (; !refused->empty(); refused->pop_front()) refused_now_.push_back(refused->front());
  }
  if (!has_ended_.load(std::memory_order_relaxed) && !inner_->ended().empty()) {
    ended_ = inner_->ended();
    has_ended_.store(true, std::memory_order_release);
  }
}

}  // namespace weir
