#include "exporters/files/file_framing.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "core/net/control_frame.h"
#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

uint32_t load_be32(const char* p) {
  const auto* b = reinterpret_cast<const uint8_t*>(p);
  return static_cast<uint32_t>(b[0]) << 24U | static_cast<uint32_t>(b[1]) << 16U |
         static_cast<uint32_t>(b[2]) << 8U | b[3];
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
  const char* all = size < FileBytes::kReadBytes ? file.at(0, size) : nullptr;
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

class LineFraming : public FileFraming {
 public:
  [[nodiscard]] size_t record_start(std::string_view records, size_t sent) const noexcept override {
    return line_start(records, sent);
  }
  Result<bool> resume(int fd, const std::string& path) override { return resume_lines(fd, path); }
};

class FrameStreamsFraming : public FileFraming {
 public:
  [[nodiscard]] size_t record_start(std::string_view records, size_t sent) const noexcept override {
    return frame_start(records, sent);
  }
  Result<bool> resume(int fd, const std::string& path) override { return resume_frames(fd, path); }
  [[nodiscard]] std::string_view opening() const override { return control_text(ControlType::start); }
  [[nodiscard]] std::string_view closing() const override { return control_text(ControlType::stop); }
};

}  // namespace

FileFraming& line_framing() {
  static LineFraming framing;
  return framing;
}

FileFraming& frame_streams_framing() {
  static FrameStreamsFraming framing;
  return framing;
}

}  // namespace weir
