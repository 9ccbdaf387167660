#include "exporters/sinks/peer_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace weir {
namespace {

constexpr size_t kTlsRecordBytes = 16U << 10U;  // RFC 8446 §5.1: plain bytes of a record, at most

void set_option(int fd, int level, int option, int value) {
  (void)setsockopt(fd, level, option, &value, sizeof value);
}

// A peer that is gone without a word is noticed, and nothing waits to be sent in larger segments.
void watch_for_death(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // blocks are large, or flushed because they are due
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

PeerStream::PeerStream(int fd, bool is_unix, const TlsSide* tls)
    : stream_(tls != nullptr ? ByteStream(fd, *tls) : ByteStream(fd)),
      is_unix_(is_unix),
      has_tls_(tls != nullptr) {
  if (!is_unix) watch_for_death(fd);
}

bool PeerStream::secure() {
  if (stream_.secured()) return true;
  return take({stream_.secure(), 0});
}

// true: done; false: later, or over.
bool PeerStream::take(const ByteStream::Result& result) {
  if (result.io == ByteStream::Io::closed) why_ = "the peer closed the connection";
  if (result.io == ByteStream::Io::failed) why_ = stream_.error();
  return result.io == ByteStream::Io::done;
}

bool PeerStream::failed_in_tls() const noexcept {
  return stream_.failure() != ByteStream::Failure::none && stream_.failure() != ByteStream::Failure::socket;
}

size_t PeerStream::send(std::string_view bytes) {
  size_t sent = 0;
  while (!over() && send_held() && sent < bytes.size()) {
    const std::string_view next = has_tls_ ? bytes.substr(sent, kTlsRecordBytes) : bytes.substr(sent);
    const ByteStream::Result result = stream_.write(bytes_of(next));
    size_t taken = result.bytes;
    if (!take(result)) {
      if (over() || !has_tls_) break;
      held_ = next;  // a part of its record may be under way
      taken = next.size();
    }
    sent += taken;
    unsettled_ += taken;
  }
  return sent;
}

bool PeerStream::send_held() {
  if (held_.empty()) return true;
  const ByteStream::Result result = stream_.write(bytes_of(held_));
  if (take(result)) held_.erase(0, result.bytes);
  return !over() && held_.empty();
}

size_t PeerStream::receive(std::span<uint8_t> room) {
  if (over()) return 0;
  const ByteStream::Result result = stream_.read(room);
  return take(result) ? result.bytes : 0;
}

// A UNIX socket's kernel throws away what a peer had not read when it dies, and then counts nothing as under
// way; so the count is believed only while the peer lives after it. The peer can read nothing of a TLS record
// whose end it lacks.
void PeerStream::look() noexcept {
  if (unsettled_ == 0) return;
  int bytes = 0;
  if (ioctl(fd(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return;
  if (is_unix_) {
    pollfd peer{.fd = fd(), .events = 0, .revents = 0};
    if (::poll(&peer, 1, 0) != 0) return;  // POLLHUP, POLLERR
  }
  size_t under_way = static_cast<size_t>(bytes) + held_.size();
  if (has_tls_ && under_way != 0) under_way += kTlsRecordBytes;
  unsettled_ = std::min(unsettled_, under_way);
}

}  // namespace weir
