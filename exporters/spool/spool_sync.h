// SpoolSync: forces to disk what a spool has written, from a thread of its own: the disk may take seconds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

// A descriptor that is closed when the last owner is gone.
class SpoolFile {
 public:
  explicit SpoolFile(int fd) noexcept : fd_(fd) {}
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

class SpoolSync {
 public:
  // interval_ms: 0: never.
  explicit SpoolSync(uint32_t interval_ms);
  // Forces the rest.
  ~SpoolSync();
  SpoolSync(const SpoolSync&) = delete;
  SpoolSync& operator=(const SpoolSync&) = delete;
  // The owner of the spool: something was written to it.
  void wrote(const std::shared_ptr<SpoolFile>& file);

 private:
  void work();

  const uint32_t interval_ms_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::shared_ptr<SpoolFile>> dirty_;  // under the lock
  bool stop_ = false;                              // under the lock
  std::thread thread_;
};

}  // namespace weir
