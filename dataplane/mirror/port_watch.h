// PortWatch: a thread that looks at a port once a second: what it lost and whether its link is up. Asking a
// NIC can take a millisecond, in which its queues overflow, so the ingest lcore does not do it. Owner: the
// input of the port's first queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/metric.h"

namespace weir {

// What the NIC counts beside, by the driver's name for it; since the port was opened or the driver loaded.
struct NicCounter {
  std::string name;
  uint64_t value = 0;
};

// Totals since the port was opened.
struct PortState {
  uint64_t missed = 0;
  uint64_t no_mbuf = 0;
  uint64_t errors = 0;
  bool up = true;
  std::vector<NicCounter> counters = {};
};

class PortWatch {
 public:
  // read: called on the watch's thread, by look(), and once here. mend: called on the watch's thread before
  // each read, and may take long. input, port: for log lines and labels.
  PortWatch(std::string input, std::string port, std::function<PortState()> read,
            std::function<void()> mend = {});
  ~PortWatch();
  PortWatch(const PortWatch&) = delete;
  PortWatch& operator=(const PortWatch&) = delete;

  // Any thread: what was seen last, but for the counters.
  [[nodiscard]] PortState state() const noexcept;
  // Any thread: looks now.
  void look();
  void describe(MetricVisitor& visitor) const;

 private:
  void run();
  void store(PortState state) noexcept;

  std::string input_;
  std::string port_;
  std::function<PortState()> read_;
  std::function<void()> mend_;
  std::atomic<uint64_t> missed_{0};
  std::atomic<uint64_t> no_mbuf_{0};
  std::atomic<uint64_t> errors_{0};
  std::atomic<bool> up_{true};
  std::atomic<uint64_t> link_changes_{0};
  mutable std::mutex mutex_;  // read_, stop_, counters_
  std::vector<NicCounter> counters_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weir
