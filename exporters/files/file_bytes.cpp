#include "exporters/files/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace weir {

ReadHandle::ReadHandle(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

ReadHandle::~ReadHandle() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t size_of(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 && st.st_size > 0 ? static_cast<uint64_t>(st.st_size) : 0;
}

size_t read_at(int fd, uint64_t offset, char* to, size_t len) noexcept {
  size_t have = 0;
  while (have < len) {
    const ssize_t n = pread(fd, to + have, len - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  return have;
}

void FileBytes::read_from(uint64_t offset) {
  from_ = offset;
  have_ = read_at(fd_, offset, bytes_.get(), kReadBytes);
}

}  // namespace weir
