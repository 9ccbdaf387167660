#include "dataplane/directory/directory_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace weir {
namespace {

constexpr std::string_view kHeader = "weir directory state 1\n";
// Lines that are of no use before the file is written anew.
constexpr size_t kSpareLines = 256;

std::string why(int error) { return std::strerror(error); }

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// That a rename is on disk.
void sync_folder_of(const std::string& path) {
  const int fd =
      ::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  ::close(fd);
}

}  // namespace

Status DirectoryState::open(const std::string& path) {
  close();
  path_ = path;
  std::string text;
  if (Status read = read_text(text); !read) return read;
  parse(text);
  if (damaged_ != 0) {
    const std::string kept = path_ + ".damaged";
    (void)::unlink(kept.c_str());
    (void)::link(path_.c_str(), kept.c_str());
  }
  return rewrite();
}

void DirectoryState::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  entries_.clear();
  lines_ = damaged_ = 0;
  incomplete_ = false;
}

// Nothing where there is no file.
Status DirectoryState::read_text(std::string& text) const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return Ok{};
  if (fd < 0) return Error{"state: cannot read '" + path_ + "': " + why(errno)};
  struct stat st {};
  const bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  ssize_t n = 0;
  char buffer[64U << 10U];
  while (regular && ((n = ::read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)))
    if (n > 0) text.append(buffer, static_cast<size_t>(n));
  const int error = errno;
  ::close(fd);
  if (n < 0) return Error{"state: cannot read '" + path_ + "': " + why(error)};
  if (!regular || (!text.empty() && !text.starts_with(kHeader)))
    return Error{
        "state: '" + path_ +
        "' is no state file of Weir; name another file, or remove it if it was one: then all files in "
        "the directory are taken again"};
  return Ok{};
}

// What follows the last LF was cut while it was written: its file was not acted on, and is taken again.
void DirectoryState::parse(std::string_view text) {
  text.remove_prefix(std::min(text.size(), kHeader.size()));
  for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    auto entry = parse_state_line(text.substr(0, end));
    if (!entry)
      ++damaged_;
    else if (entry->gone)
      entries_.erase(entry->id);
    else
      entries_.insert_or_assign(entry->id, std::move(*entry));
  }
}

const StateEntry* DirectoryState::find(const FileId& id) const {
  const auto at = entries_.find(id);
  return at == entries_.end() ? nullptr : &at->second;
}

Status DirectoryState::add(std::vector<StateEntry> entries) {
  std::string text;
  for (StateEntry& entry : entries) {
    text += state_line(entry);
    const FileId id = entry.id;
    entries_.insert_or_assign(id, std::move(entry));
  }
  if (incomplete_) return rewrite();
  lines_ += entries.size();
  // After a write in part the next line would not begin at its start: the file is written anew then.
  if (write_all(fd_, text) && fdatasync(fd_) == 0) return Ok{};
  const int error = errno;
  incomplete_ = true;
  return Error{"state: cannot write '" + path_ + "': " + why(error)};
}

void DirectoryState::forget(const std::vector<FileId>& ids) {
  std::string text;
  for (const FileId& id : ids) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) continue;
    text += state_line({.id = id, .name = at->second.name, .reason = {}, .gone = true});
    entries_.erase(at);
    ++lines_;
  }
  if (!text.empty() && !incomplete_ && !write_all(fd_, text)) incomplete_ = true;
}

void DirectoryState::retain(const std::function<bool(const FileId&)>& is_there) {
  std::vector<FileId> gone;
  for (const auto& [id, entry] : entries_)
    if (!is_there(id)) gone.push_back(id);
  forget(gone);
}

Status DirectoryState::tidy() {
  struct stat st {};
  const bool gone = fstat(fd_, &st) != 0 || st.st_nlink == 0;
  if (!gone && !incomplete_ && lines_ < 2 * entries_.size() + kSpareLines) return Ok{};
  return rewrite();
}

Status DirectoryState::rewrite() {
  incomplete_ = true;
  const std::string fresh = path_ + ".new";
  const int fd =
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0)
    return Error{"state: cannot write '" + fresh + "': " + why(errno) + "; name a file that Weir may write"};
  std::string text(kHeader);
  for (const auto& [id, entry] : entries_) text += state_line(entry);
  if (!write_all(fd, text) || fsync(fd) != 0 || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::close(fd);
    (void)::unlink(fresh.c_str());
    return Error{"state: cannot write '" + path_ + "': " + why(error)};
  }
  sync_folder_of(path_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  lines_ = entries_.size();
  incomplete_ = false;
  return Ok{};
}

}  // namespace weir
