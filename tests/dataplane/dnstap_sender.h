// A dnstap sender under the control of a test: a plain socket, and the bytes of Frame Streams.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/addr.h"
#include "core/net/control_frame.h"

namespace weir {

inline std::string control_bytes(ControlType type) {
  const auto bytes = encode_control(type);
  return {bytes.begin(), bytes.end()};
}

inline std::string data_frame(const std::string& payload) {
  const auto n = static_cast<uint32_t>(payload.size());
  const char len[4] = {static_cast<char>(n >> 24U), static_cast<char>(n >> 16U), static_cast<char>(n >> 8U),
                       static_cast<char>(n)};
  return std::string(len, 4) + payload;
}

class DnstapSender {
 public:
  explicit DnstapSender(const Target& to) {
    if (to.scheme == Target::Scheme::tcp) {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in addr{};
      addr.sin_family = AF_INET;
      addr.sin_port = htons(to.port);
      addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&addr), sizeof addr) == 0;
      const int on = 1;  // what was sent has arrived
      (void)setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    } else {
      fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un addr{};
      addr.sun_family = AF_UNIX;
      std::memcpy(addr.sun_path, to.path.c_str(), to.path.size());
      connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&addr), sizeof addr) == 0;
    }
    (void)fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~DnstapSender() { close(); }
  DnstapSender(DnstapSender&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        closed_(other.closed_),
        got_(other.got_) {}
  DnstapSender(const DnstapSender&) = delete;
  DnstapSender& operator=(const DnstapSender&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // As much as the socket takes; what is left stays in `bytes`. false: the other side is gone.
  bool send(std::string& bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN;
      bytes.erase(0, static_cast<size_t>(n));
    }
    return true;
  }
  // For what fits into the socket for sure.
  void send_all(std::string bytes) {
    ASSERT_TRUE(send(bytes));
    ASSERT_TRUE(bytes.empty());
  }

  // All replies so far.
  const std::string& replies() {
    char room[4096];
    for (;;) {
      const ssize_t n = recv(fd_, room, sizeof room, 0);
      if (n > 0) {
        got_.append(room, static_cast<size_t>(n));
        continue;
      }
      if (n == 0 || errno != EAGAIN) closed_ = true;
      return got_;
    }
  }
  // The other side has closed.
  bool closed() {
    replies();
    return closed_;
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
  bool closed_ = false;
  std::string got_;
};

}  // namespace weir
