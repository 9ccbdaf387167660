#include "exporters/spool/spool_sync.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir {

SpoolFile::~SpoolFile() { ::close(fd_); }

SpoolSync::SpoolSync(uint32_t interval_ms) : interval_ms_(interval_ms) {
  if (interval_ms_ != 0) thread_ = std::thread([this] { work(); });
}

SpoolSync::~SpoolSync() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void SpoolSync::wrote(const std::shared_ptr<SpoolFile>& file) {
  if (interval_ms_ == 0) return;
  const std::lock_guard lock(mutex_);
  if (std::find(dirty_.begin(), dirty_.end(), file) == dirty_.end()) dirty_.push_back(file);
}

void SpoolSync::work() {
  bool stop = false;
  while (!stop) {
    std::vector<std::shared_ptr<SpoolFile>> dirty;
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::milliseconds(interval_ms_), [&] { return stop_; });
      stop = stop_;
      dirty = std::exchange(dirty_, {});
    }
    // A disk that cannot is one that the next write() tells of.
    for (const auto& file : dirty) (void)::fdatasync(file->fd());
  }
}

}  // namespace weir
