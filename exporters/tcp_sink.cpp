#include "exporters/tcp_sink.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kConnectNs = 5 * kNsPerSec;
constexpr uint64_t kLookNs = 100 * kNsPerMs;
constexpr uint64_t kSteadyNs = 5 * kNsPerSec;     // a connection that lasts so long makes failures forgotten
constexpr uint64_t kDeadPeerNs = 30 * kNsPerSec;  // bytes under way and no acknowledgement for so long

void set_option(int fd, int level, int option, int value) {
  (void)setsockopt(fd, level, option, &value, sizeof value);
}

void watch_for_death(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // blocks are large, or flushed because they are due
}

size_t unacknowledged(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

}  // namespace

TcpSink::TcpSink(Target peer) : peer_(std::move(peer)) {}

TcpSink::~TcpSink() { close_socket(); }

size_t TcpSink::write(std::string_view lines, size_t sent, const Now& now) {
  while (state_ == State::connected && sent < lines.size()) {
    const ssize_t n = send(fd_, lines.data() + sent, lines.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      fail(std::strerror(errno), now);
    }
  }
  return sent;
}

bool TcpSink::poll(const Now& now) {
  const State before = state_;
  switch (state_) {
    case State::waiting:
      if (now.mono_ns >= deadline_ns_) resolve(now);
      break;
    case State::resolving:
      if (resolution_->ready()) connect_next(now);
      break;
    case State::connecting:
      await_connect(now);
      break;
    case State::connected:
      if (now.mono_ns < deadline_ns_) break;
      deadline_ns_ = now.mono_ns + kLookNs;
      if (now.mono_ns - connected_ns_ > kSteadyNs) backoff_.reset();
      if (!read_and_forget())
        fail("the peer closed the connection", now);
      else if (peer_is_dead(now))
        fail("the peer has acknowledged nothing for 30 s", now);
      break;
  }
  return state_ != before;
}

size_t TcpSink::unsettled() const {
  if (broke_) return unsettled_at_break_;
  return state_ == State::connected ? unacknowledged(fd_) : 0;
}

bool TcpSink::take_break() { return std::exchange(broke_, false); }

// A peer that lives and reads nothing acknowledges the kernel's probes of its full window; so
// TCP_USER_TIMEOUT, which counts from the first probe, would end its connection too.
bool TcpSink::peer_is_dead(const Now& now) {
  if (unacknowledged(fd_) == 0) {
    all_acknowledged_ns_ = now.mono_ns;
    return false;
  }
  if (now.mono_ns - all_acknowledged_ns_ < kDeadPeerNs) return false;
  tcp_info info{};
  socklen_t len = sizeof info;
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
  return uint64_t{info.tcpi_last_ack_recv} * kNsPerMs >= kDeadPeerNs;
}

void TcpSink::resolve(const Now& now) {
  resolution_ = Resolution::start(peer_.host, peer_.port, SOCK_STREAM);
  next_address_ = 0;
  state_ = State::resolving;
  if (resolution_->ready()) connect_next(now);
}

void TcpSink::connect_next(const Now& now) {
  if (!resolution_->error().empty()) return fail(resolution_->error(), now);
  const auto& addresses = resolution_->addresses();
  int error = EADDRNOTAVAIL;
  while (next_address_ < addresses.size()) {
    const SocketAddress& address = addresses[next_address_++];
    fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      error = errno;
      continue;
    }
    watch_for_death(fd_);
    if (connect(fd_, address.get(), address.len) == 0) return use_connection(now);
    if (errno == EINPROGRESS) {
      state_ = State::connecting;
      deadline_ns_ = now.mono_ns + kConnectNs;
      return;
    }
    error = errno;
    close_socket();
  }
  fail(std::strerror(error), now);
}

void TcpSink::await_connect(const Now& now) {
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  int error = ETIMEDOUT;
  if (::poll(&ready, 1, 0) == 1) {
    socklen_t len = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
    if (error == 0) return use_connection(now);
  } else if (now.mono_ns < deadline_ns_) {
    return;
  }
  close_socket();
  if (next_address_ < resolution_->addresses().size()) return connect_next(now);
  fail(std::strerror(error), now);
}

void TcpSink::use_connection(const Now& now) {
  state_ = State::connected;
  connected_ns_ = all_acknowledged_ns_ = now.mono_ns;
  deadline_ns_ = now.mono_ns + kLookNs;
  connects_.add(1);
  log_.over();
  spdlog::info("{}: connected", to_string(peer_));
}

// Peers have nothing to say; unread bytes would turn our close into a reset. false: the connection is over.
bool TcpSink::read_and_forget() {
  char bytes[4096];
  for (;;) {
    const ssize_t n = recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    return n < 0 && errno == EAGAIN;
  }
}

void TcpSink::fail(const std::string& why, const Now& now) {
  if (state_ == State::connected) {
    unsettled_at_break_ = unacknowledged(fd_);
    resent_bytes_.add(unsettled_at_break_);
    broke_ = true;
  }
  close_socket();
  ++faults_;
  const uint64_t pause_ns = backoff_.next_ns();
  deadline_ns_ = now.mono_ns + pause_ns;
  state_ = State::waiting;
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}; next try in {} ms", to_string(peer_), why, pause_ns / kNsPerMs);
}

void TcpSink::close_socket() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void TcpSink::describe(MetricVisitor& visitor, const Labels& labels) const {
  visitor.counter("weir_output_connects_total",
                  "Connections made. Growing: the peer closes them; see its log and ours.", labels,
                  static_cast<double>(connects_.get()));
  visitor.counter(
      "weir_output_resent_bytes_total",
      "Bytes that a peer had not acknowledged when its connection broke. They are sent again, so it "
      "may get lines twice; growing: see its log and ours.",
      labels, static_cast<double>(resent_bytes_.get()));
}

}  // namespace weir
