// DirectoryState: which files of a watched directory are done, kept in a file across restarts. Lines are
// appended and synced; now and then the file is written anew without those of files that are gone. Owner: the
// directory's keeper, on its thread.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "dataplane/directory/state_line.h"

namespace weir {

class DirectoryState {
 public:
  DirectoryState() = default;
  ~DirectoryState() { close(); }
  DirectoryState(const DirectoryState&) = delete;
  DirectoryState& operator=(const DirectoryState&) = delete;

  // Reads the file, or begins it. Error: it cannot be read or written, or is no state file, and is left as it
  // is. Damaged lines are left out and counted; the file as it was is kept beside it, as PATH.damaged.
  Status open(const std::string& path);
  void close();
  // Of the last open().
  [[nodiscard]] size_t damaged_lines() const noexcept { return damaged_; }

  // nullptr: not done.
  [[nodiscard]] const StateEntry* find(const FileId& id) const;
  // Remembered, and on disk if it is Ok. After an Error they are written with the next.
  Status add(std::vector<StateEntry> entries);
  // Those that were taken out of the directory. Written, not synced: a line that is lost does no harm, unless
  // the same file comes back.
  void forget(const std::vector<FileId>& ids);
  // Forgets the others.
  void retain(const std::function<bool(const FileId&)>& is_there);
  // Writes the file anew if it is gone, has lines missing, or has many that are of no use any more.
  Status tidy();

  [[nodiscard]] size_t size() const noexcept { return entries_.size(); }

 private:
  Status read_text(std::string& text) const;
  void parse(std::string_view text);
  Status rewrite();

  std::string path_;
  int fd_ = -1;
  std::unordered_map<FileId, StateEntry, FileIdHash> entries_;
  size_t lines_ = 0;  // in the file
  size_t damaged_ = 0;
  bool incomplete_ = false;  // the file lacks entries
};

}  // namespace weir
