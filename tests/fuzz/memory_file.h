// A file in memory, with a path, for fuzzers of what is appended to.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/fuzz/check.h"

namespace weir {

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("fuzz", MFD_CLOEXEC)) { check(fd_ >= 0); }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  void put(std::string_view bytes) const {
    check(ftruncate(fd_, 0) == 0);
    append(bytes);
  }
  void append(std::string_view bytes) const {
    const off_t end = lseek(fd_, 0, SEEK_END);
    check(pwrite(fd_, bytes.data(), bytes.size(), end) == static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string bytes() const {
    std::string all(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    check(pread(fd_, all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    return all;
  }

 private:
  int fd_;
};

}  // namespace weir
