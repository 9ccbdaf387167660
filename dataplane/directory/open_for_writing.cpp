#include "dataplane/directory/open_for_writing.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>

namespace weir {

// A read lease is granted only when nobody has the file open for writing (fcntl(2)). Who opens it while we
// hold the lease waits until it is given back, and a signal tells us: not SIGIO, which would end the process,
// but one that is ignored by default.
Writers writers_of(int fd) noexcept {
  (void)fcntl(fd, F_SETSIG, SIGURG);
  if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return Writers::none;
  }
  return errno == EAGAIN ? Writers::some : Writers::unknown;
}

}  // namespace weir
