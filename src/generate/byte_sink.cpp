#include "src/generate/byte_sink.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

#include "core/clock.h"

namespace weir {

namespace {

constexpr int kLookMs = 100;  // at whether to go on, while nothing is taken

Result<int> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Error{"Cannot write \"" + path + "\": " + std::strerror(errno) +
                 "; name a file in a folder that exists "
                 "and that you may write to."};
  }
  return fd;
}

// A connected socket, or -1 with errno.
int connect_unix(const std::string& path) {
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  if (path.size() >= sizeof addr.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  path.copy(addr.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&addr), sizeof addr) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

// BBR paces by timers, and over loopback these and what they send run in the receiver's CPU time, a fifth on
// top of it. Linux's own default does not; where there is none, what the system has stays.
void send_without_pacing(int fd) {
  constexpr std::string_view kCubic = "cubic";
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kCubic.data(), kCubic.size());
}

int connect_tcp(const addrinfo* list) {
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    send_without_pacing(fd);
    if (::connect(fd, at->ai_addr, at->ai_addrlen) == 0) return fd;
    const int error = errno;
    ::close(fd);
    errno = error;
  }
  return -1;
}

Result<int> connect_socket(const Target& target, uint32_t wait_ms) {
  addrinfo* list = nullptr;
  if (target.scheme == Target::Scheme::tcp) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    const int error = ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &list);
    if (error != 0) {
      return Error{"Cannot look up \"" + target.host + "\": " + ::gai_strerror(error) +
                   "; give an address instead."};
    }
  }
  const uint64_t deadline = read_clock().mono_ns + wait_ms * kNsPerMs;
  int fd = -1;
  for (;;) {
    fd = list != nullptr ? connect_tcp(list) : connect_unix(target.path);
    const int error = errno;
    const bool nobody = error == ECONNREFUSED || error == ENOENT || error == EAGAIN;
    if (fd >= 0 || !nobody || read_clock().mono_ns >= deadline) {
      errno = error;
      break;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
    ::nanosleep(&pause, nullptr);
  }
  const int error = errno;
  if (list != nullptr) ::freeaddrinfo(list);
  if (fd < 0) {
    return Error{"Cannot connect to " + to_string(target) + ": " + std::strerror(error) +
                 "; start the receiver first, or wait longer with --wait."};
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<ByteSink>> ByteSink::open(const Target& target, uint32_t wait_ms,
                                                 uint32_t read_timeout_ms) {
  switch (target.scheme) {
    case Target::Scheme::stdio:
      return std::unique_ptr<ByteSink>(new ByteSink(::dup(STDOUT_FILENO), false, "standard output"));
    case Target::Scheme::null:
    case Target::Scheme::file: {
      const std::string path = target.scheme == Target::Scheme::null ? "/dev/null" : target.path;
      auto fd = open_file(path);
      if (!fd) return fd.error();
      return std::unique_ptr<ByteSink>(new ByteSink(*fd, false, path));
    }
    case Target::Scheme::tcp:
    case Target::Scheme::unix_stream: {
      auto fd = connect_socket(target, wait_ms);
      if (!fd) return fd.error();
      const timeval timeout{.tv_sec = read_timeout_ms / 1000, .tv_usec = read_timeout_ms % 1000 * 1000};
      (void)::setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
      return std::unique_ptr<ByteSink>(new ByteSink(*fd, true, to_string(target)));
    }
    case Target::Scheme::tls:
    case Target::Scheme::unix_datagram:
    case Target::Scheme::udp:
      break;
  }
  return Error{"Cannot send to " + to_string(target) + ": give a file, -, tcp://HOST:PORT or unix:///PATH."};
}

ByteSink::~ByteSink() {
  if (fd_ >= 0) ::close(fd_);
}

Error ByteSink::failed(const char* what) const {
  return Error{std::string("Cannot ") + what + " " + name_ + ": " + std::strerror(errno) + "."};
}

Status ByteSink::write(std::string_view data, const std::function<bool()>& over) {
  while (!data.empty()) {
    const ssize_t n = socket_ ? ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                              : ::write(fd_, data.data(), data.size());
    if (n >= 0) {
      written_ += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {  // standard output, too, may have been made non-blocking by someone else
      if (over()) return Error{name_ + " takes nothing more."};
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      (void)::poll(&wait, 1, kLookMs);
    } else if (errno != EINTR) {
      return failed("write to");
    }
  }
  return Ok{};
}

Status ByteSink::read(char* data, size_t len) {
  while (len > 0) {
    const ssize_t n = ::recv(fd_, data, len, 0);
    if (n == 0) return Error{name_ + " closed the connection."};
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Error{name_ + " does not answer."};
    if (n < 0 && errno != EINTR) return failed("read from");
    if (n > 0) {
      data += n;
      len -= static_cast<size_t>(n);
    }
  }
  return Ok{};
}

Status ByteSink::close() {
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) return failed("close");
  return Ok{};
}

}  // namespace weir
