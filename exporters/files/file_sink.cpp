#include "exporters/files/file_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace weir {
namespace {

constexpr uint64_t kRetryNs = kNsPerSec;
constexpr uint64_t kRotateRetryNs = 10 * kNsPerSec;
constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
constexpr int kPipeBytes = 1 << 20;  // what an unprivileged process may ask for

// A pipe or terminal gets a file description of its own, so that it can be non-blocking without changing the
// one that other processes share. Where that is not possible (sockets, no /proc) the descriptor is used as it
// is.
int open_stdout() {
  // main() puts what refuses to be written to where a stream was closed.
  if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY) return -1;
  struct stat st {};
  if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(STDOUT_FILENO) == 1)) {
    const int fd = ::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) return fd;
  }
  return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

}  // namespace

RecordFile::RecordFile(std::string pattern, std::string path, FileFraming& framing,
                       const FileRotation& rotation, Opened opened)
    : pattern_(std::move(pattern)), path_(std::move(path)), framing_(framing), rotation_(rotation) {
  use(opened);
}

void RecordFile::use(Opened opened) {
  fd_ = opened.fd;
  opened_ = opened.resumed ? framing_.opening().size() : 0;
  kind_ = Kind::other;
  bytes_ = 0;
  rotates_at_ns_.store(kNever, std::memory_order_relaxed);
  waits_ = (fcntl(fd_, F_GETFL) & O_NONBLOCK) == 0;
  struct stat st {};
  if (fstat(fd_, &st) != 0) return;
  if (S_ISREG(st.st_mode)) {
    kind_ = Kind::regular;
    bytes_ = static_cast<uint64_t>(st.st_size);
    if (bytes_ <= framing_.opening().size()) bytes_ = 0;
    if (bytes_ != 0)
      rotates_at_ns_.store(rotates_at_ns(rotation_, static_cast<uint64_t>(st.st_mtim.tv_sec) * kNsPerSec),
                           std::memory_order_relaxed);
  }
  if (S_ISSOCK(st.st_mode)) kind_ = Kind::socket;
  if (S_ISFIFO(st.st_mode)) {
    kind_ = Kind::pipe;
    (void)fcntl(fd_, F_SETPIPE_SZ, kPipeBytes);  // as large as the system allows, else as it is
  }
}

RecordFile::~RecordFile() {
  if (fd_ >= 0) close_file();
}

// What of the framing cannot be written now is left out: readers take a stream without its end.
void RecordFile::close_file() {
  const std::string rest = std::string(framing_.opening().substr(opened_)) + std::string(framing_.closing());
  if (holder_ == nullptr && !rest.empty()) {
    struct stat before {};
    const bool known = kind_ == Kind::regular && fstat(fd_, &before) == 0;
    const ssize_t n = write_some(rest.data(), rest.size());
    if (known && n > 0 && static_cast<size_t>(n) < rest.size()) (void)!ftruncate(fd_, before.st_size);
  }
  ::close(std::exchange(fd_, -1));
}

Result<int> RecordFile::open_path(const std::string& path) {
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (fd >= 0) return fd;
  const int error = errno;
  if (error == EISDIR) return Error{"'" + path + "' is a directory: name a file in it"};
  if (error == ENXIO) return Error{"'" + path + "' is a FIFO that nobody reads: start its reader first"};
  if (error == ENOENT) return Error{"'" + path + "' cannot be created: make its directory first"};
  if (error == EACCES || error == EPERM)
    return Error{"'" + path + "' cannot be written (" + std::strerror(error) + "): change its owner or mode"};
  return Error{"'" + path + "' cannot be opened for writing: " + std::strerror(error)};
}

Result<RecordFile::Opened> RecordFile::ready_to_append(int fd, const std::string& path,
                                                       FileFraming& framing) {
  struct stat st {};
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) return Opened{fd, false};
  Result<bool> resumed = framing.resume(fd, path);
  if (resumed) return Opened{fd, *resumed};
  ::close(fd);
  return resumed.error();
}

Result<std::shared_ptr<RecordFile>> RecordFile::open(const Target& target, FileFraming& framing,
                                                     const FileRotation& rotation) {
  if (target.scheme == Target::Scheme::stdio) {
    const int fd = open_stdout();
    if (fd < 0) return Error{"standard output is closed: open it, or write to a file"};
    return std::shared_ptr<RecordFile>(new RecordFile({}, {}, framing, {}, {fd, false}));
  }
  const std::string path = name_at(target.path, read_clock().wall_ns);
  Result<int> fd = open_path(path);
  if (!fd) return fd.error();
  Result<Opened> opened = ready_to_append(*fd, path, framing);
  if (!opened) return opened.error();
  return std::shared_ptr<RecordFile>(new RecordFile(target.path, path, framing, rotation, *opened));
}

size_t RecordFile::write(FileSink* writer, std::string_view records, size_t sent, const Now& now) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(writer->rewind_, false)) sent = framing_.record_start(records, sent);
  if (!ended_.empty() || now.mono_ns < retry_at_ns_) return sent;
  if (holder_ != nullptr && holder_ != writer) return sent;
  if (bytes_ == 0 && names_the_time(pattern_)) renew_name(now);
  if (fd_ < 0) reopen(now);
  if (fd_ < 0 || (holder_ == nullptr && !write_opening(now))) return sent;
  const size_t before = sent;
  sent = write_all(records, sent, now);
  note_written(sent - before, now);
  part_bytes_ = sent == records.size() ? 0 : sent - framing_.record_start(records, sent);
  holder_ = part_bytes_ != 0 ? writer : nullptr;
  if (fd_ < 0) forget_part();  // the FIFO's reader went away with it
  rotate_if_due(now);
  return sent;
}

// Never waits, though the descriptor may be one that does: one of standard output's that could not be opened
// anew.
ssize_t RecordFile::write_some(const char* from, size_t len) const {
  if (kind_ == Kind::socket) return ::send(fd_, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (kind_ == Kind::regular || !waits_) return ::write(fd_, from, len);
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd_, from, std::min<size_t>(len, PIPE_BUF));  // pipe(7): ready means room for so much
}

bool RecordFile::write_opening(const Now& now) {
  const std::string_view opening = framing_.opening();
  if (opened_ < opening.size()) opened_ = write_all(opening, opened_, now);
  return fd_ >= 0 && opened_ == opening.size();
}

size_t RecordFile::write_all(std::string_view records, size_t sent, const Now& now) {
  while (sent < records.size()) {
    const char* from = records.data() + sent;
    const size_t len = records.size() - sent;
    const ssize_t n = write_some(from, len);
    if (n > 0) {
      sent += static_cast<size_t>(n);
    } else if (n == 0 || errno == EAGAIN) {
      return sent;
    } else if (errno != EINTR) {
      fail(errno, now);
      return sent;
    }
  }
  if (!up_.load(std::memory_order_relaxed)) {
    up_.store(true, std::memory_order_relaxed);
    log_.over();
    spdlog::info("{} takes data again", is_stdout() ? "standard output" : path_);
  }
  return sent;
}

void RecordFile::fail(int error, const Now& now) {
  faults_.fetch_add(1, std::memory_order_relaxed);
  up_.store(false, std::memory_order_relaxed);
  retry_at_ns_ = now.mono_ns + kRetryNs;
  if (is_stdout() && error != ENOSPC) {
    ended_ = error == EPIPE || error == ECONNRESET
                 ? std::string("Standard output was closed by its reader before everything was written.")
                 : std::string("Standard output cannot be written: ") + std::strerror(error) + ".";
    return;
  }
  if (error == EPIPE) {
    ::close(fd_);
    fd_ = -1;
  }
  if (log_.due(now.mono_ns))
    spdlog::error("{} cannot be written: {}; tried again every second",
                  is_stdout() ? "standard output" : path_, std::strerror(error));
}

void RecordFile::poll(const Now& now) {
  if (is_stdout()) return;
  const bool is_time = now.wall_ns >= rotates_at_ns_.load(std::memory_order_relaxed);
  if (!is_time && !reopen_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  rotate_if_due(now);
  if (now.mono_ns < reopen_at_ns_ || !reopen_.exchange(false, std::memory_order_relaxed)) return;
  reopen(now);
}

void RecordFile::note_written(size_t bytes, const Now& now) {
  if (kind_ != Kind::regular || bytes == 0) return;
  if (bytes_ == 0) rotates_at_ns_.store(rotates_at_ns(rotation_, now.wall_ns), std::memory_order_relaxed);
  bytes_ += bytes;
}

// Between two records only, and never an empty file.
void RecordFile::rotate_if_due(const Now& now) {
  if (kind_ != Kind::regular || fd_ < 0 || holder_ != nullptr || now.mono_ns < rotate_after_ns_) return;
  const bool full = rotation_.bytes != 0 && bytes_ >= rotation_.bytes;
  const bool is_time = now.wall_ns >= rotates_at_ns_.load(std::memory_order_relaxed);
  if (bytes_ != 0 && (full || is_time)) rotate(now);
}

// The file is whole, its end too, before it has its new name: whoever waits for that name may read it.
void RecordFile::rotate(const Now& now) {
  struct stat at_path {};
  const bool ours = stat(path_.c_str(), &at_path) == 0 && is_current(at_path);
  close_file();
  std::string next = name_at(pattern_, now.wall_ns);
  if (next != path_) {
    spdlog::debug("{} is done, {} is next", path_, next);
    path_ = std::move(next);
    rotations_.fetch_add(1, std::memory_order_relaxed);
  } else if (ours) {
    move_rotated(now);
  }
  reopen(now);
}

void RecordFile::move_rotated(const Now& now) {
  if (Result<std::string> to = move_away(path_, now.wall_ns); to) {
    rotations_.fetch_add(1, std::memory_order_relaxed);
    spdlog::debug("{} was rotated to {}", path_, *to);
  } else {
    faults_.fetch_add(1, std::memory_order_relaxed);
    rotate_after_ns_ = now.mono_ns + kRotateRetryNs;
    if (log_.due(now.mono_ns)) spdlog::error("{}; it goes on being written", to.error().message);
  }
}

// The name is that of the time at which the first record comes; a file that stayed empty until then goes.
void RecordFile::renew_name(const Now& now) {
  std::string name = name_at(pattern_, now.wall_ns);
  if (holder_ != nullptr || name == path_ || (fd_ >= 0 && (kind_ != Kind::regular || opened_ != 0))) return;
  const std::string before = std::exchange(path_, std::move(name));
  struct stat old {};
  const bool empty = stat(before.c_str(), &old) == 0 && is_current(old) && old.st_size == 0;
  reopen(now);
  struct stat still {};
  const bool left = empty && fd_ >= 0 && !is_current(old) && stat(before.c_str(), &still) == 0;
  if (left && still.st_dev == old.st_dev && still.st_ino == old.st_ino) (void)::unlink(before.c_str());
}

void RecordFile::describe(MetricVisitor& visitor, const Labels& labels) const {
  if (rotation_ == FileRotation{}) return;
  visitor.counter("weir_output_rotations_total",
                  "Files that were full, or whose time was over, and were renamed.", labels,
                  static_cast<double>(rotations_.load(std::memory_order_relaxed)));
}

// Nobody moved the file away: to open it anew would take its own end for a killed writer's.
bool RecordFile::is_current(const struct stat& file) const {
  struct stat current {};
  return kind_ == Kind::regular && fd_ >= 0 && fstat(fd_, &current) == 0 && file.st_dev == current.st_dev &&
         file.st_ino == current.st_ino;
}

// Goes on with the old file when the new one cannot be opened.
void RecordFile::reopen(const Now& now) {
  Result<int> fd = open_path(path_);
  struct stat at_path {};
  if (fd && fstat(*fd, &at_path) == 0 && is_current(at_path)) {
    ::close(*fd);
    return;
  }
  Result<Opened> fresh = fd ? ready_to_append(*fd, path_, framing_) : fd.error();
  if (!fresh) {
    faults_.fetch_add(1, std::memory_order_relaxed);
    reopen_at_ns_ = now.mono_ns + kRetryNs;
    if (fd_ < 0) retry_at_ns_ = reopen_at_ns_;
    reopen_.store(true, std::memory_order_relaxed);
    if (log_.due(now.mono_ns))
      spdlog::error("{}; tried again every second{}", fresh.error().message,
                    fd_ < 0 ? "" : ", and the file that was open goes on being written");
    return;
  }
  log_.over();
  cut_back();
  if (fd_ >= 0) close_file();
  use(*fresh);
}

void RecordFile::cut_back() {
  if (holder_ == nullptr) return;
  struct stat st {};
  if (kind_ == Kind::regular && fstat(fd_, &st) == 0 && st.st_size >= static_cast<off_t>(part_bytes_))
    (void)!ftruncate(fd_, st.st_size - static_cast<off_t>(part_bytes_));
  forget_part();
}

void RecordFile::forget_part() {
  if (holder_ != nullptr) holder_->rewind_ = true;
  holder_ = nullptr;
}

void RecordFile::abandon(const FileSink* writer) {
  const std::lock_guard lock(mutex_);
  if (holder_ == writer && fd_ >= 0) cut_back();
}

std::string RecordFile::ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

}  // namespace weir
