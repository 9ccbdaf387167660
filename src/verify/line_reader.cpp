#include "src/verify/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {

namespace {

// Stays in a CPU's cache from reading to checking: four times as much takes a third longer.
constexpr size_t kBlock = 64U << 10U;
constexpr size_t kLineLimit = 64U << 20U;

}  // namespace

LineReader::LineReader(gzFile file, std::string name) : file_(file), name_(std::move(name)) {}

LineReader::LineReader(LineReader&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      name_(std::move(other.name_)),
      rest_(std::move(other.rest_)) {}

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
  (void)gzbuffer(file, kBlock / 2);
  return LineReader(file, path == "-" ? "standard input" : path);
}

// Up to kBlock bytes; none at the end or at a fault.
size_t LineReader::read(char* to) {
  const int n = gzread(file_, to, kBlock);
  int error = Z_OK;
  const char* text = gzerror(file_, &error);
  if (n < 0 || error == Z_BUF_ERROR) {  // Z_BUF_ERROR: the compressed data ends early
    fault_ = "Cannot read \"" + name_ + "\": " + (error == Z_ERRNO ? std::strerror(errno) : text) + ".";
    if (n <= 0) return 0;
  }
  ended_ = n == 0;
  bytes_ += static_cast<uint64_t>(n);
  return static_cast<size_t>(n);
}

bool LineReader::next(LineBlock& block) {
  std::vector<char>& bytes = block.bytes_;
  size_t end = rest_.size();
  bytes.resize(std::max(bytes.size(), end + kBlock + LineBlock::kPadding));
  std::ranges::copy(rest_, bytes.begin());
  while (!ended_ && fault_.empty()) {
    if (end > kLineLimit) {
      fault_ = "\"" + name_ + "\" has a line over 64 MiB; it is no file of JSON lines.";
      return false;
    }
    if (end + kBlock + LineBlock::kPadding > bytes.size()) bytes.resize(2 * bytes.size());
    const size_t n = read(bytes.data() + end);
    const void* newline = ::memrchr(bytes.data() + end, '\n', n);
    end += n;
    if (newline == nullptr) continue;
    block.size_ = static_cast<size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
    rest_.assign(bytes.data() + block.size_, bytes.data() + end);
    return true;
  }
  rest_.assign(bytes.data(), bytes.data() + end);
  return false;
}

}  // namespace weir
