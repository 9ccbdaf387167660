// FileId: what a file in a watched directory is known by: a rename leaves it as it is, a write changes it.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

#include "core/clock.h"

namespace weir {

// The device is left out: it may have another number after the next boot.
struct FileId {
  uint64_t inode = 0;
  uint64_t size = 0;      // bytes
  uint64_t mtime_ns = 0;  // since 1970
  bool operator==(const FileId&) const = default;
};

inline FileId file_id(const struct stat& st) noexcept {
  return {.inode = st.st_ino,
          .size = static_cast<uint64_t>(st.st_size),
          .mtime_ns = static_cast<uint64_t>(st.st_mtim.tv_sec) * kNsPerSec +
                      static_cast<uint64_t>(st.st_mtim.tv_nsec)};
}

struct FileIdHash {
  size_t operator()(const FileId& id) const noexcept {
    return static_cast<size_t>((id.inode * 31 + id.size) * 0x9e3779b97f4a7c15U ^ id.mtime_ns);
  }
};

}  // namespace weir
