#include "dataplane/directory/directory_keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "dataplane/directory/open_for_writing.h"
#include "dataplane/directory/wanted_name.h"

namespace weir {
namespace {

constexpr int kLongWaitMs = 1'000;
constexpr int kSettleWaitMs = 50;
constexpr uint64_t kAgainNs = 50 * kNsPerMs;
constexpr unsigned kMostAgain = 20;

std::string why(int error) { return std::strerror(error); }

// Our own limits, not the file.
bool is_passing(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR; }

}  // namespace

DirectoryKeeper::DirectoryKeeper(const DirectoryOptions& options, FileHandOff& hand_off,
                                 const std::vector<Counter>& arrived)
    : options_(options),
      hand_off_(hand_off),
      arrived_(arrived),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      places_(options) {}

Status DirectoryKeeper::start() {
  if (wake_fd_ < 0) return Error{options_.name + ": no eventfd: " + why(errno)};
  auto attached = attach();
  if (!attached) return Error{options_.name + ": " + attached.error().message};
  thread_ = std::thread([this] { run(); });
  return Ok{};
}

void DirectoryKeeper::wake() noexcept {
  const uint64_t one = 1;
  // Full: it is awake anyway.
  if (write(wake_fd_, &one, sizeof one) < 0) return;
}

void DirectoryKeeper::finish() {
  if (thread_.joinable()) {
    ending_.store(true, std::memory_order_relaxed);
    wake();
    thread_.join();
    collect();
    settle(read_clock());
    show(read_clock());
  }
  if (directory_ >= 0) close(std::exchange(directory_, -1));
  if (wake_fd_ >= 0) close(std::exchange(wake_fd_, -1));
}

void DirectoryKeeper::run() {
  (void)pthread_setname_np(pthread_self(), "weir-directory");
  while (!ending_.load(std::memory_order_relaxed)) {
    turn(read_clock());
    wait(read_clock().mono_ns);
  }
}

void DirectoryKeeper::wait(uint64_t mono_ns) {
  const uint64_t due = directory_ >= 0 ? look_at_ns_ : attach_at_ns_;
  const bool soon = !unsettled_.empty() || !again_.empty();
  const uint64_t most = static_cast<uint64_t>(soon ? kSettleWaitMs : kLongWaitMs);
  const uint64_t left = due > mono_ns ? (due - mono_ns) / kNsPerMs + 1 : 0;
  pollfd fds[] = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                  {.fd = watch_.fd(), .events = POLLIN, .revents = 0}};
  (void)poll(fds, 2, static_cast<int>(std::min(most, left)));
  uint64_t woken = 0;
  if (read(wake_fd_, &woken, sizeof woken) < 0) return;
}

void DirectoryKeeper::turn(const Now& now) {
  collect();
  if (look_asked_.exchange(false, std::memory_order_relaxed)) look_at_ns_ = attach_at_ns_ = now.mono_ns;
  if (directory_ < 0 && now.mono_ns >= attach_at_ns_) try_attach(now);
  if (directory_ >= 0) hear(now);
  if (directory_ >= 0 && now.mono_ns >= look_at_ns_) look(now);
  settle(now);
  if (directory_ >= 0) offer(now);
  show(now);
}

void DirectoryKeeper::collect() {
  for (;;) {
    ReadFile read{};
    read.number = hand_off_.collect(read.file);
    if (read.number == 0) return;
    unsettled_.push_back(std::move(read));
  }
}

// The watch before the first look, so that nothing falls between.
Result<DirectoryKeeper::Attached> DirectoryKeeper::attach() {
  const int fd = open(options_.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string trouble;
  if (fd < 0) {
    if (errno != ENOENT && errno != ESTALE && errno != EIO)
      return Error{"path: cannot open '" + options_.path + "': " + why(errno)};
    trouble = "cannot open '" + options_.path + "': " + why(errno);
  } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    trouble = "'" + options_.path + "' is read by another process, or input";
    close(fd);
  }
  if (!trouble.empty()) {
    if (trouble != told_) spdlog::warn("{}: {}; tried again until it works", options_.name, trouble);
    told_ = trouble;
    return Attached::later;
  }
  Status good = places_.check(fd);
  if (good) good = state_.open(options_.below_path(options_.state));
  if (!good) {
    close(fd);
    return good.error();
  }
  directory_ = fd;
  counters_.attached.set(1);
  if (state_.damaged_lines() != 0)
    spdlog::error(
        "{}: {} lines of '{}' are damaged: their files, if they are still there, are taken again. The file "
        "as "
        "it was is kept beside it, as .damaged",
        options_.name, state_.damaged_lines(), options_.below_path(options_.state));
  if (Status watched = watch_.open(options_.path); !watched)
    spdlog::warn("{}: '{}' {}; it is looked at every {} ms (rescan)", options_.name, options_.path,
                 watched.error().message, options_.rescan_ms);
  spdlog::info("{}: taking files from '{}'; {} are known", options_.name, options_.path, state_.size());
  told_.clear();
  backoff_.reset();
  look_at_ns_ = 0;
  return Attached::yes;
}

void DirectoryKeeper::try_attach(const Now& now) {
  attach_at_ns_ = now.mono_ns + backoff_.next_ns();
  const auto attached = attach();
  if (attached) return;
  counters_.faults.add(1);
  if (attached.error().message != told_)
    spdlog::error("{}: {}; tried again until it works", options_.name, attached.error().message);
  told_ = attached.error().message;
}

void DirectoryKeeper::detach(const std::string& what, const Now& now) {
  spdlog::warn("{}: '{}' {}; waiting for it to come back", options_.name, options_.path, what);
  close(std::exchange(directory_, -1));
  counters_.attached.set(0);
  watch_.close();
  state_.close();
  pending_.clear();
  again_.clear();
  attach_at_ns_ = now.mono_ns + backoff_.next_ns();
}

void DirectoryKeeper::hear(const Now& now) {
  DirectoryWatch::News news = watch_.take();
  if (news.gone) return detach("was removed, renamed or unmounted", now);
  if (news.missed) look_at_ns_ = now.mono_ns;
  for (const std::string& name : news.handed_in) consider(name, true);
  while (!again_.empty() && now.mono_ns >= again_.front().at_ns) {
    pending_.put(std::move(again_.front().found));
    again_.pop_front();
  }
}

void DirectoryKeeper::look(const Now& now) {
  look_at_ns_ = now.mono_ns + options_.rescan_ms * kNsPerMs;
  struct stat path {};
  struct stat open {};
  if (stat(options_.path.c_str(), &path) != 0 || fstat(directory_, &open) != 0 ||
      path.st_ino != open.st_ino || path.st_dev != open.st_dev)
    return detach("is another directory now, or gone", now);
  std::unordered_set<FileId, FileIdHash> there;
  pending_.begin_look();
  const bool whole = look_through(there);
  forget_gone();
  // An empty directory may be the place where its file system is not mounted.
  if (whole && !there.empty()) state_.retain([&](const FileId& id) { return there.contains(id); });
  if (Status tidy = state_.tidy(); !tidy) fault(tidy.error().message, now);
}

// false: not all of it could be seen.
bool DirectoryKeeper::look_through(std::unordered_set<FileId, FileIdHash>& there) {
  DIR* stream = nullptr;
  if (const int fd = openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    stream = fdopendir(fd);
    if (stream == nullptr) close(fd);
  }
  if (stream == nullptr) return false;
  bool whole = true;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    struct stat st {};
    if (fstatat(directory_, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
      if (S_ISREG(st.st_mode)) there.insert(file_id(st));
      consider(entry->d_name, st, false);
    } else {
      whole &= errno == ENOENT;
    }
    errno = 0;
  }
  whole &= errno == 0;
  closedir(stream);
  return whole;
}

void DirectoryKeeper::consider(const std::string& name, bool handed_in) {
  struct stat st {};
  if (fstatat(directory_, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) consider(name, st, handed_in);
}

// A file that is done and still there is what a fault, or the end of the process, has left: acted on now.
void DirectoryKeeper::consider(const std::string& name, const struct stat& st, bool handed_in) {
  if (!is_wanted_name(name, options_.pattern)) return;
  if (!S_ISREG(st.st_mode) || st.st_size == 0) return;
  if (const auto busy = busy_.find(st.st_ino); busy != busy_.end()) {
    busy->second = name;
    return;
  }
  const FileId id = file_id(st);
  const StateEntry* known = state_.find(id);
  if (known == nullptr) return pending_.put({.name = name, .id = id, .handed_in = handed_in});
  if (!places_.takes_away(known->failed())) return;
  StateEntry entry = *known;
  entry.name = name;  // it may have been renamed
  act(entry, read_clock());
}

void DirectoryKeeper::offer(const Now& now) {
  while (!pending_.empty() && hand_off_.has_room() && unsettled_.size() < kMostUnsettled)
    open_and_offer(pending_.take_oldest(), now);
  if (pending_.empty() && pending_.left_out()) look_at_ns_ = now.mono_ns;
}

void DirectoryKeeper::open_and_offer(FoundFile found, const Now& now) {
  const int fd = openat(directory_, found.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ELOOP) return;
    if (is_passing(errno)) return look_again_at(std::move(found), now);
    const std::string reason = "cannot open '" + path_of(found.name) + "': " + why(errno);
    busy_.try_emplace(found.id.inode);
    unsettled_.push_front({.number = 0, .file = {.name = found.name, .id = found.id, .fault = reason}});
    return;
  }
  struct stat st {};
  bool take = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size != 0 && !busy_.contains(st.st_ino);
  const FileId id = file_id(st);
  take = take && state_.find(id) == nullptr;
  const Writers writers = take ? writers_of(fd) : Writers::none;
  if (writers == Writers::some) {
    take = false;
    // The kernel tells of a close an instant before the file is not open any more.
    if (found.handed_in) look_again_at(found, now);
  } else if (writers == Writers::unknown && !found.handed_in) {
    // A time in the future tells nothing.
    const uint64_t age = now.wall_ns > id.mtime_ns ? now.wall_ns - id.mtime_ns : 0;
    const uint64_t settle = options_.settle_ms * kNsPerMs;
    if (id.mtime_ns <= now.wall_ns && age < settle) {
      take = false;
      look_at_ns_ = std::min(look_at_ns_, now.mono_ns + settle - age);
    }
  }
  if (!take) {
    close(fd);
    return;
  }
  busy_.try_emplace(id.inode);
  hand_off_.offer({.name = std::move(found.name), .id = id, .fd = fd});
}

void DirectoryKeeper::look_again_at(FoundFile found, const Now& now) {
  if (++found.looks > kMostAgain) return;  // it is written again: its close will be told, too
  again_.push_back({std::move(found), now.mono_ns + kAgainNs});
}

void DirectoryKeeper::settle(const Now& now) {
  if (directory_ < 0) return;
  uint64_t through = UINT64_MAX;
  for (const Counter& shard : arrived_) through = std::min(through, shard.get());
  std::vector<StateEntry> entries;
  std::vector<std::string> changed;
  while (!unsettled_.empty() && unsettled_.front().number <= through) {
    HandedFile file = std::move(unsettled_.front().file);
    unsettled_.pop_front();
    if (const auto busy = busy_.extract(file.id.inode)) follow(file, busy.mapped());
    if (is_unchanged(file)) {
      entries.push_back({.id = file.id, .name = file.name, .reason = file.fault});
    } else {
      changed.push_back(file.name);
    }
  }
  if (!entries.empty())
    if (Status added = state_.add(entries); !added) fault(added.error().message, now);
  for (const StateEntry& entry : entries) {
    (entry.failed() ? counters_.failed : counters_.done).add(1);
    if (entry.failed()) tell_failed(entry, now);
    act(entry, now);
  }
  forget_gone();
  for (const std::string& name : changed) {
    counters_.changed.add(1);
    fault("'" + path_of(name) + "' was written while it was read: it is taken again, whole", now);
    consider(name, false);
  }
}

// It may have been renamed while it was read; of a file with two names it stays with the first.
void DirectoryKeeper::follow(HandedFile& file, const std::string& told_name) const {
  struct stat st {};
  const bool there = fstatat(directory_, file.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!told_name.empty() && !(there && st.st_ino == file.id.inode)) file.name = told_name;
}

// Gone, or renamed, is unchanged: it was read whole.
bool DirectoryKeeper::is_unchanged(const HandedFile& file) {
  struct stat st {};
  if (fstatat(directory_, file.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return true;
  return st.st_ino != file.id.inode || file_id(st) == file.id;
}

void DirectoryKeeper::act(const StateEntry& entry, const Now& now) {
  if (!places_.takes_away(entry.failed()) || !is_untouched(entry)) return;
  const Status acted = entry.failed() ? places_.set_aside(directory_, entry.name, entry.reason)
                                      : places_.take_away(directory_, entry.name);
  struct stat st {};
  if (acted || fstatat(directory_, entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    gone_.push_back(entry.id);
  if (!acted) fault("'" + path_of(entry.name) + "': " + acted.error().message, now);
}

void DirectoryKeeper::forget_gone() {
  state_.forget(gone_);
  gone_.clear();
}

// Still the file that was read, and nobody is about to write to it.
bool DirectoryKeeper::is_untouched(const StateEntry& entry) const {
  const int fd = openat(directory_, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno != EACCES) return false;
  struct stat st {};
  const bool same =
      fstatat(directory_, entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && file_id(st) == entry.id;
  const bool written = fd >= 0 && writers_of(fd) == Writers::some;
  if (fd >= 0) close(fd);
  return same && !written;
}

void DirectoryKeeper::tell_failed(const StateEntry& entry, const Now& now) {
  if (!log_.due(now.mono_ns)) return;
  spdlog::warn("{}: failed: {}; {}{}", options_.name, entry.reason,
               places_.takes_away(true) ? "it goes to '" + options_.below_path(options_.failed_to()) + "'"
                                        : "it stays, and is not taken again unless it changes",
               log_.left_out());
}

void DirectoryKeeper::fault(const std::string& what, const Now& now) {
  counters_.faults.add(1);
  if (log_.due(now.mono_ns)) spdlog::warn("{}: {}{}", options_.name, what, log_.left_out());
}

void DirectoryKeeper::show(const Now& now) {
  counters_.pending.set(pending_.size() + again_.size() + hand_off_.waiting());
  counters_.unsettled.set(unsettled_.size());
  const uint64_t oldest = pending_.empty() ? now.wall_ns : pending_.oldest_mtime_ns();
  counters_.oldest_age_ns.set(now.wall_ns > oldest ? now.wall_ns - oldest : 0);
}

std::string DirectoryKeeper::path_of(const std::string& name) const {
  return options_.path + "/" + escape_name(name);
}

}  // namespace weir
