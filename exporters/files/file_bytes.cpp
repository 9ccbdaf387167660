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

void FileBytes::read_from(uint64_t offset) {
  from_ = offset;
  have_ = 0;
  while (have_ < kReadBytes) {
    const ssize_t n = pread(fd_, bytes_.get() + have_, kReadBytes - have_, static_cast<off_t>(from_ + have_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    have_ += static_cast<size_t>(n);
  }
}

}  // namespace weir
