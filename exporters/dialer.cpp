#include "exporters/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
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

}  // namespace

Dialer::Dialer(Target peer) : peer_(std::move(peer)) {}

Dialer::~Dialer() { close_socket(); }

bool Dialer::poll(const Now& now) {
  const State before = state_;
  switch (state_) {
    case State::waiting:
      if (now.mono_ns < deadline_ns_) break;
      if (is_unix())
        connect_unix(now);
      else
        resolve(now);
      break;
    case State::resolving:
      if (resolution_->ready()) connect_next(now);
      break;
    case State::connecting:
      await_connect(now);
      break;
    case State::connected:
      look_at_peer(now);
      break;
    case State::closed:
      break;
  }
  return state_ != before;
}

size_t Dialer::send(std::string_view bytes, const Now& now) {
  size_t sent = 0;
  while (state_ == State::connected && sent < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
      sent_bytes_.add(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      fail(std::strerror(errno), now);
    }
  }
  return sent;
}

size_t Dialer::receive(std::span<uint8_t> room, const Now& now) {
  while (state_ == State::connected) {
    const ssize_t n = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
    if (n > 0) return static_cast<size_t>(n);
    if (n == 0)
      fail("the peer closed the connection", now);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      fail(std::strerror(errno), now);
  }
  return 0;
}

bool Dialer::take_break() noexcept { return std::exchange(broke_, false); }

void Dialer::look_at_peer(const Now& now) {
  sent_bytes_.refresh(fd_, is_unix());
  if (now.mono_ns < deadline_ns_) return;
  deadline_ns_ = now.mono_ns + kLookNs;
  if (now.mono_ns - connected_ns_ > kSteadyNs) backoff_.reset();
  if (peer_is_dead(now)) fail("the peer has acknowledged nothing for 30 s", now);
}

// A peer that lives and reads nothing acknowledges the kernel's probes of its full window; so
// TCP_USER_TIMEOUT, which counts from the first probe, would end its connection too.
bool Dialer::peer_is_dead(const Now& now) {
  if (sent_bytes_.unsettled() == 0 || is_unix()) {
    all_acknowledged_ns_ = now.mono_ns;
    return false;
  }
  if (now.mono_ns - all_acknowledged_ns_ < kDeadPeerNs) return false;
  tcp_info info{};
  socklen_t len = sizeof info;
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
  return uint64_t{info.tcpi_last_ack_recv} * kNsPerMs >= kDeadPeerNs;
}

void Dialer::resolve(const Now& now) {
  resolution_ = Resolution::start(peer_.host, peer_.port, SOCK_STREAM);
  next_address_ = 0;
  state_ = State::resolving;
  if (resolution_->ready()) connect_next(now);
}

void Dialer::connect_unix(const Now& now) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (peer_.path.size() >= sizeof address.sun_path) return fail(std::strerror(ENAMETOOLONG), now);
  peer_.path.copy(address.sun_path, peer_.path.size());
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(std::strerror(errno), now);
  use_connection(now);
}

void Dialer::connect_next(const Now& now) {
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

void Dialer::await_connect(const Now& now) {
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

void Dialer::use_connection(const Now& now) {
  state_ = State::connected;
  connected_ns_ = all_acknowledged_ns_ = now.mono_ns;
  deadline_ns_ = now.mono_ns + kLookNs;
  sent_bytes_.reset();
  connects_.add(1);
  log_.over();
  spdlog::info("{}: connected", to_string(peer_));
}

void Dialer::fail(const std::string& why, const Now& now) {
  if (state_ == State::connected) {
    sent_bytes_.refresh(fd_, is_unix());
    unsettled_at_break_ = sent_bytes_.unsettled();
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

void Dialer::close() {
  close_socket();
  state_ = State::closed;
}

void Dialer::close_socket() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Dialer::describe(MetricVisitor& visitor, const Labels& labels) const {
  visitor.counter("weir_output_connects_total",
                  "Connections made. Growing: the peer closes them; see its log and ours.", labels,
                  static_cast<double>(connects_.get()));
  visitor.counter(
      "weir_output_resent_bytes_total",
      "Bytes that a peer had not acknowledged when its connection broke. They are sent again, so it "
      "may get records twice; growing: see its log and ours.",
      labels, static_cast<double>(resent_bytes_.get()));
}

}  // namespace weir
