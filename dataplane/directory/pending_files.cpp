#include "dataplane/directory/pending_files.h"

#include <iterator>

namespace weir {

void PendingFiles::put(FoundFile file) {
  if (const auto known = mtimes_.find(file.name); known != mtimes_.end()) {
    const auto at = files_.find({known->second, file.name});
    file.handed_in |= at->second.handed_in;
    files_.erase(at);
  }
  mtimes_[file.name] = file.id.mtime_ns;
  Key key(file.id.mtime_ns, file.name);
  files_.emplace(std::move(key), std::move(file));
  if (files_.size() <= kMost) return;
  left_out_ = true;
  const auto newest = std::prev(files_.end());
  mtimes_.erase(newest->second.name);
  files_.erase(newest);
}

FoundFile PendingFiles::take_oldest() {
  FoundFile file = std::move(files_.begin()->second);
  files_.erase(files_.begin());
  mtimes_.erase(file.name);
  return file;
}

void PendingFiles::clear() noexcept {
  files_.clear();
  mtimes_.clear();
  left_out_ = false;
}

}  // namespace weir
