#include "exporters/file_framing.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "core/net/control_frame.h"

namespace weir {
namespace {

constexpr size_t kReadBytes = 256U << 10U;

uint32_t load_be32(const char* p) {
  const auto* b = reinterpret_cast<const uint8_t*>(p);
  return static_cast<uint32_t>(b[0]) << 24U | static_cast<uint32_t>(b[1]) << 16U |
         static_cast<uint32_t>(b[2]) << 8U | b[3];
}

class ReadHandle {
 public:
  explicit ReadHandle(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~ReadHandle() {
    if (fd_ >= 0) ::close(fd_);
  }
  ReadHandle(const ReadHandle&) = delete;
  ReadHandle& operator=(const ReadHandle&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

uint64_t size_of(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 && st.st_size > 0 ? static_cast<uint64_t>(st.st_size) : 0;
}

// -- lines

size_t line_start(std::string_view records, size_t sent) noexcept {
  if (sent == 0) return 0;
  const size_t newline = records.rfind('\n', sent - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

// Someone was killed in the middle of a line: ours must not become the rest of it.
Result<bool> resume_lines(int fd, const std::string& path) {
  const ReadHandle reader(path);
  if (reader.fd() < 0) return true;  // write-only for us: nothing can be known
  char last = '\n';
  const bool cut = pread(reader.fd(), &last, 1, static_cast<off_t>(size_of(fd)) - 1) == 1 && last != '\n';
  if (cut && ::write(fd, "\n", 1) == 1) spdlog::warn("{} ended inside a line; the line was ended", path);
  return true;
}

// -- Frame Streams

size_t frame_start(std::string_view records, size_t sent) noexcept {
  size_t start = 0;
  while (records.size() - start >= 4) {
    const size_t next = start + 4 + load_be32(records.data() + start);
    if (next > sent) break;
    start = next;
  }
  return start;
}

// A file's bytes by their offset.
class FileBytes {
 public:
  explicit FileBytes(int fd) : fd_(fd), bytes_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}
  // nullptr: not all of them are there. Valid until the next call; len is at most kReadBytes.
  const char* at(uint64_t offset, size_t len) {
    if (offset < from_ || offset + len > from_ + have_) read_from(offset);
    return offset + len <= from_ + have_ ? bytes_.get() + (offset - from_) : nullptr;
  }

 private:
  void read_from(uint64_t offset) {
    from_ = offset;
    have_ = 0;
    while (have_ < kReadBytes) {
      const ssize_t n =
          pread(fd_, bytes_.get() + have_, kReadBytes - have_, static_cast<off_t>(from_ + have_));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      have_ += static_cast<size_t>(n);
    }
  }

  int fd_;
  std::unique_ptr<char[]> bytes_;
  uint64_t from_ = 0;
  size_t have_ = 0;
};

// What of a file of Frame Streams stays when more frames are to follow.
struct Kept {
  uint64_t bytes = 0;
  bool running = false;  // its last START holds for what follows
};

// Nothing: it is no file of dnstap frames.
std::optional<Kept> walk(int fd, uint64_t size) {
  FileBytes file(fd);
  Kept kept;
  bool stopped = false;  // the last frame was STOP, which what follows takes the place of
  for (uint64_t at = 0; at < size;) {
    const char* head = file.at(at, kControlHeaderLen);
    uint64_t next = 0;
    if (const char* len = file.at(at, 4); len != nullptr && load_be32(len) != 0) {
      if (!kept.running || stopped) return std::nullopt;
      next = at + 4 + load_be32(len);
      if (next > size) break;
    } else {
      if (head == nullptr) break;
      const uint32_t len_of_control = load_be32(head + 4);
      if (len_of_control > kControlLenLimit) return std::nullopt;
      next = at + kControlHeaderLen + len_of_control;
      const char* payload = file.at(at + kControlHeaderLen, len_of_control);
      if (payload == nullptr) break;
      const ControlFrame frame = decode_control({reinterpret_cast<const uint8_t*>(payload), len_of_control});
      if (frame.state != ControlFrame::State::sound) return std::nullopt;
      if (frame.type == ControlType::stop && kept.running) {
        stopped = true;
        kept.bytes = at;
        at = next;
        continue;
      }
      if (frame.type != ControlType::start || !frame.dnstap) return std::nullopt;
      kept.running = true;
    }
    stopped = false;
    kept.bytes = at = next;
  }
  return kept;
}

std::string_view control_text(ControlType type) {
  static const std::vector<uint8_t> start = encode_control(ControlType::start);
  static const std::vector<uint8_t> stop = encode_control(ControlType::stop);
  const std::vector<uint8_t>& bytes = type == ControlType::start ? start : stop;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Nothing but a part of START, which a killed writer may leave.
bool begins_opening(int fd, uint64_t size) {
  FileBytes file(fd);
  const char* all = size < kReadBytes ? file.at(0, size) : nullptr;
  return all != nullptr && control_text(ControlType::start).starts_with({all, size});
}

// The frames that follow become part of the stream that is there, so that readers that end at the first STOP
// read them too.
Result<bool> resume_frames(int fd, const std::string& path) {
  const ReadHandle reader(path);
  if (reader.fd() < 0)
    return Error{"'" + path + "' cannot be read (" + std::strerror(errno) +
                 "), and where its frames end must be known to append to it: change its mode, or name "
                 "another file"};
  const uint64_t size = size_of(fd);
  const auto kept = walk(reader.fd(), size);
  if (!kept || (!kept->running && !begins_opening(reader.fd(), size)))
    return Error{"'" + path +
                 "' has something else in it than dnstap frames: move it away, or name another "
                 "file"};
  if (ftruncate(fd, static_cast<off_t>(kept->bytes)) != 0)
    return Error{"'" + path + "' cannot be cut back to its last whole frame: " + std::strerror(errno)};
  constexpr uint64_t kStopBytes = 12;
  if (size - kept->bytes != 0 && size - kept->bytes != kStopBytes)
    spdlog::warn("{} ended inside a frame; the part of it was taken away", path);
  return kept->running;
}

}  // namespace

const FileFraming& line_framing() {
  static const FileFraming framing{
      .record_start = line_start, .resume = resume_lines, .opening = {}, .closing = {}};
  return framing;
}

const FileFraming& frame_streams_framing() {
  static const FileFraming framing{.record_start = frame_start,
                                   .resume = resume_frames,
                                   .opening = control_text(ControlType::start),
                                   .closing = control_text(ControlType::stop)};
  return framing;
}

}  // namespace weir
