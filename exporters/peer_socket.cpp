#include "exporters/peer_socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace weir {
namespace {

void set_option(int fd, int level, int option, int value) {
  (void)setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

void watch_for_death(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // blocks are large, or flushed because they are due
}

// A UNIX socket's kernel throws away what a peer had not read when it dies, and then counts nothing as under
// way; so the count is believed only while the peer lives after it.
void SentBytes::refresh(int fd, bool is_unix) noexcept {
  if (unsettled_ == 0) return;
  int bytes = 0;
  if (ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return;
  if (is_unix) {
    pollfd peer{.fd = fd, .events = 0, .revents = 0};
    if (::poll(&peer, 1, 0) != 0) return;  // POLLHUP, POLLERR
  }
  unsettled_ = static_cast<size_t>(bytes);
}

}  // namespace weir
