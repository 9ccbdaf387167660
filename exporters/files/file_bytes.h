// A file that is to be appended to, read from its start to find where its records end. Control thread at
// start, the export lcore when a file is reopened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir {

class ReadHandle {
 public:
  explicit ReadHandle(const std::string& path);
  ~ReadHandle();
  ReadHandle(const ReadHandle&) = delete;
  ReadHandle& operator=(const ReadHandle&) = delete;
  [[nodiscard]] int fd() const { return fd_; }  // -1: it cannot be read, errno says why

 private:
  int fd_;
};

// 0 also when it is not known.
uint64_t size_of(int fd);
// How many bytes of `len` there are from `offset` on; what cannot be read is not there. Any thread.
size_t read_at(int fd, uint64_t offset, char* to, size_t len) noexcept;

// A file's bytes by their offset.
class FileBytes {
 public:
  static constexpr size_t kReadBytes = 256U << 10U;

  explicit FileBytes(int fd) : fd_(fd), bytes_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}
  // nullptr: not all of them are there. Valid until the next call; len is at most kReadBytes.
  const char* at(uint64_t offset, size_t len) {
    if (offset < from_ || offset + len > from_ + have_) read_from(offset);
    return offset + len <= from_ + have_ ? bytes_.get() + (offset - from_) : nullptr;
  }

 private:
  void read_from(uint64_t offset);

  int fd_;
  std::unique_ptr<char[]> bytes_;
  uint64_t from_ = 0;
  size_t have_ = 0;
};

}  // namespace weir
