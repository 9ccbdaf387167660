#include "core/net/dialer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kConnectNs = 5 * kNsPerSec;

}  // namespace

Dialer::Dialer(Target peer) : peer_(std::move(peer)) {}

Dialer::~Dialer() {
  if (fd_ >= 0) ::close(fd_);
}

Dialer::Step Dialer::poll(const Now& now) {
  switch (state_) {
    case State::waiting:
      return now.mono_ns >= deadline_ns_ ? start(now) : Step{};
    case State::resolving:
      return resolution_->ready() ? connect_next(now) : Step{};
    case State::connecting:
      return await(now);
    case State::connected:
      break;
  }
  return {};
}

uint64_t Dialer::broke(const Now& now) {
  const uint64_t pause_ns = backoff_.next_ns();
  deadline_ns_ = now.mono_ns + pause_ns;
  state_ = State::waiting;
  return pause_ns;
}

Dialer::Step Dialer::start(const Now& now) {
  next_address_ = 0;
  if (peer_.scheme == Target::Scheme::unix_stream) return connect_next(now);
  resolution_ = Resolution::start(peer_.host, peer_.port, SOCK_STREAM);
  state_ = State::resolving;
  return resolution_->ready() ? connect_next(now) : Step{.worked = true};
}

Dialer::Step Dialer::connect_next(const Now& now) {
  const bool is_unix = peer_.scheme == Target::Scheme::unix_stream;
  if (!is_unix && !resolution_->error().empty()) return fail(resolution_->error(), now);
  const std::vector<SocketAddress> addresses =
      is_unix ? std::vector{unix_address(peer_.path)} : resolution_->addresses();
  int error = EADDRNOTAVAIL;
  while (next_address_ < addresses.size()) {
    const SocketAddress& address = addresses[next_address_++];
    fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      error = errno;
      continue;
    }
    if (connect(fd_, address.get(), address.len) == 0) return use();
    if (errno == EINPROGRESS) {
      state_ = State::connecting;
      deadline_ns_ = now.mono_ns + kConnectNs;
      return {.worked = true};
    }
    error = errno;
    ::close(std::exchange(fd_, -1));
  }
  return fail(std::strerror(error), now);
}

Dialer::Step Dialer::await(const Now& now) {
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  int error = ETIMEDOUT;
  if (::poll(&ready, 1, 0) == 1) {
    socklen_t len = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
    if (error == 0) return use();
  } else if (now.mono_ns < deadline_ns_) {
    return {};
  }
  ::close(std::exchange(fd_, -1));
  if (next_address_ < resolution_->addresses().size()) return connect_next(now);
  return fail(std::strerror(error), now);
}

Dialer::Step Dialer::use() {
  state_ = State::connected;
  return {.worked = true, .fd = std::exchange(fd_, -1)};
}

Dialer::Step Dialer::fail(std::string why, const Now& now) {
  return {.worked = true, .fd = -1, .why = std::move(why), .pause_ns = broke(now)};
}

}  // namespace weir
