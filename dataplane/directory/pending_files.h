// PendingFiles: files of a watched directory that were seen and are not read yet, the oldest first. Holds a
// bounded number: when there are more, a look at the directory brings them later. Owner: the directory's
// keeper, on its thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "dataplane/directory/file_id.h"

namespace weir {

struct FoundFile {
  std::string name;  // in the directory
  FileId id;
  bool handed_in = false;  // it was closed or renamed in, as far as the kernel told
  unsigned looks = 0;      // how often it was open for writing all the same
};

class PendingFiles {
 public:
  static constexpr size_t kMost = 4'096;

  // Takes the place of what it knew of that name. Of more than kMost the newest are left out.
  void put(FoundFile file);
  // By the time of the last write, then the name. Precondition: !empty().
  FoundFile take_oldest();
  // Precondition: !empty().
  [[nodiscard]] uint64_t oldest_mtime_ns() const noexcept { return files_.begin()->first.first; }

  [[nodiscard]] bool empty() const noexcept { return files_.empty(); }
  [[nodiscard]] size_t size() const noexcept { return files_.size(); }
  // Since the last look at the directory some were left out.
  [[nodiscard]] bool left_out() const noexcept { return left_out_; }
  void begin_look() noexcept { left_out_ = false; }
  void clear() noexcept;

 private:
  using Key = std::pair<uint64_t, std::string>;  // mtime, name

  std::map<Key, FoundFile> files_;
  std::unordered_map<std::string, uint64_t> mtimes_;  // by name
  bool left_out_ = false;
};

}  // namespace weir
