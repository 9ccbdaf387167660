#include "src/verify/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {

namespace {

constexpr size_t kBlock = 1U << 20U;
constexpr size_t kLineLimit = 64U << 20U;

}  // namespace

LineReader::LineReader(gzFile file, std::string name)
    : file_(file), name_(std::move(name)), buffer_(2 * kBlock + kPadding) {}

LineReader::LineReader(LineReader&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)) {}

LineReader::~LineReader() {
  if (file_ != nullptr) (void)gzclose_r(file_);
}

Result<LineReader> LineReader::open(const std::string& path) {
  const int fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{"Cannot read \"" + path + "\": " + std::strerror(errno) + "."};
  gzFile file = gzdopen(fd, "rb");
  if (file == nullptr) {
    ::close(fd);
    return Error{"Cannot read \"" + path + "\": out of memory."};
  }
  (void)gzbuffer(file, kBlock / 4);
  return LineReader(file, path == "-" ? "standard input" : path);
}

bool LineReader::fill() {
  if (start_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
    end_ -= start_;
    scanned_ -= start_;
    start_ = 0;
  }
  if (end_ + kBlock + kPadding > buffer_.size()) {
    if (buffer_.size() > kLineLimit) {
      fault_ = "\"" + name_ + "\" has a line over 64 MiB; it is no file of JSON lines.";
      return false;
    }
    buffer_.resize(2 * buffer_.size());
  }
  const int n = gzread(file_, buffer_.data() + end_, kBlock);
  int error = Z_OK;
  const char* text = gzerror(file_, &error);
  if (n < 0 || error == Z_BUF_ERROR) {  // Z_BUF_ERROR: the compressed data ends early
    fault_ = "Cannot read \"" + name_ + "\": " + (error == Z_ERRNO ? std::strerror(errno) : text) + ".";
    if (n <= 0) return false;
  }
  ended_ = n == 0;
  end_ += static_cast<size_t>(n);
  bytes_ += static_cast<uint64_t>(n);
  return n > 0;
}

bool LineReader::next(std::string_view& line) {
  for (;;) {
    const void* newline = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
    if (newline != nullptr) {
      const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.data());
      line = {buffer_.data() + start_, at - start_};
      start_ = scanned_ = at + 1;
      return true;
    }
    scanned_ = end_;
    if (ended_ || !fault_.empty() || !fill()) return false;
  }
}

}  // namespace weir
