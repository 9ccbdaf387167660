// OffloadedSink: runs another sink on a thread of its own, for what takes too long for an export lcore:
// compressing, requests that are waited for. Only views of the records are handed over: RecordOutput keeps
// what is not settled. Owner: the export lcore; the inner sink is the thread's alone, but for interrupt(),
// request_reopen() and describe().
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "exporters/sinks/sink.h"

namespace weir {

class OffloadedSink : public Sink {
 public:
  // inner: without breaks, and settles what it takes at once (unsettled() is 0).
  explicit OffloadedSink(std::unique_ptr<Sink> inner);
  // Interrupts the inner sink and waits for the thread.
  ~OffloadedSink() override;
  OffloadedSink(const OffloadedSink&) = delete;
  OffloadedSink& operator=(const OffloadedSink&) = delete;

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  [[nodiscard]] size_t unsettled() const override {
    return static_cast<size_t>(taken_ - settled_.load(std::memory_order_acquire));
  }
  [[nodiscard]] std::deque<RefusedRecord>* refusals() override;
  [[nodiscard]] bool finish(const Now& now) override;
  void abandon(std::string_view records, size_t sent) override;
  void request_reopen() override { inner_->request_reopen(); }
  void interrupt() noexcept override { inner_->interrupt(); }
  [[nodiscard]] bool up() const noexcept override { return up_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t faults() const noexcept override { return faults_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::string& ended() const noexcept override;
  void describe(MetricVisitor& visitor, const Labels& labels) const override {
    inner_->describe(visitor, labels);
  }

 private:
  // What waits in memory is RecordOutput's backlog; here is only what the thread may go on with at once.
  static constexpr size_t kMostWaiting = 4;

  void work();
  void write_first(std::string_view records);
  void copy_state();
  void stop();

  std::unique_ptr<Sink> inner_;
  uint64_t taken_ = 0;                 // bytes, the lcore's
  std::deque<RefusedRecord> refused_;  // the lcore's
  std::atomic<uint64_t> settled_{0};
  std::atomic<bool> up_{true};
  std::atomic<uint64_t> faults_{0};
  std::atomic<bool> has_ended_{false};
  std::atomic<bool> stop_{false};
  std::string never_;

  std::mutex mutex_;
  std::condition_variable woken_;
  // Under the lock:
  std::deque<std::string_view> waiting_;  // the first is being written
  std::deque<RefusedRecord> refused_now_;
  bool finishing_ = false;
  bool finished_ = false;
  std::string ended_;  // written once, before has_ended_

  size_t sent_of_first_ = 0;  // of waiting_.front(), the thread's
  std::thread thread_;
};

}  // namespace weir
