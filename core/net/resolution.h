// Resolution: one look-up of a host and port, off the lcore: getaddrinfo() may take seconds, so a thread of
// its own runs it, which shares the result and may outlive the asker. Numeric addresses are ready at once.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t len = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Of a UNIX socket's file; a path that is too long (107 bytes fit) is cut.
SocketAddress unix_address(const std::string& path);

class Resolution {
 public:
  // socket_type: SOCK_STREAM or SOCK_DGRAM.
  static std::shared_ptr<Resolution> start(const std::string& host, uint16_t port, int socket_type);

  [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }
  // Once ready: empty only with an error.
  [[nodiscard]] const std::vector<SocketAddress>& addresses() const { return addresses_; }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool look_up(const std::string& host, uint16_t port, int socket_type, int flags);

  std::vector<SocketAddress> addresses_;
  std::string error_;
  std::atomic<bool> ready_{false};
};

}  // namespace weir
