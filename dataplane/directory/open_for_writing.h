// Whether somebody has a file open for writing, as far as the kernel tells.
#pragma once

#include <cstdint>

namespace weir {

enum class Writers : uint8_t {
  none,
  some,
  unknown,  // of another user's file (without CAP_LEASE), or on a file system without leases such as NFS
};

// fd: open for reading only.
Writers writers_of(int fd) noexcept;

}  // namespace weir
