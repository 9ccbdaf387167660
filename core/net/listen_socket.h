// ListenSocket: a listening TCP or UNIX socket, shared by the instances of one input or output, which accept
// from it on their lcores. Opened on the control thread.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/addr.h"
#include "core/result.h"

namespace weir {

struct ListenPlace {
  Target at;             // tcp, tls or unix_stream
  uint32_t mode = 0660;  // of a UNIX socket's file
  std::string owner;     // USER or USER:GROUP of it, empty: as is
};

class ListenSocket {
 public:
  // A socket file that nobody listens on is replaced; one that is in use,
  // and a path that is something else, are errors.
  static Result<std::unique_ptr<ListenSocket>> open(const ListenPlace& place);
  // Also removes the socket file, if it is still ours.
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  // Non-blocking. Any thread may accept.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // With the port that the kernel chose, if 0 was asked for.
  [[nodiscard]] const Target& bound() const noexcept { return bound_; }
  // Any thread, any number of times: nobody can connect any more, and the socket file is gone.
  void stop() noexcept;

 private:
  ListenSocket(int fd, Target bound) : fd_(fd), bound_(std::move(bound)) {}
  static Result<std::unique_ptr<ListenSocket>> open_tcp(const ListenPlace& place);
  static Result<std::unique_ptr<ListenSocket>> open_unix(const ListenPlace& place);
  void own_file() noexcept;

  int fd_;
  Target bound_;
  dev_t file_dev_ = 0;  // of the socket file, so that another's is not removed
  ino_t file_ino_ = 0;
  std::atomic<bool> stopped_{false};
};

// Absent but for IP. v4-mapped IPv6 is shown as IPv4. `addr` is as long as its family's.
Endpoint endpoint_of(const sockaddr& addr) noexcept;
// The peer of an accepted socket: its address; absent for UNIX sockets.
Endpoint peer_endpoint(int fd);
struct PeerCredentials {
  int32_t pid = 0;  // 0: in another PID namespace
  uint32_t uid = 0;
};
// Of the peer of a UNIX socket, as its kernel says.
std::optional<PeerCredentials> peer_credentials(int fd);
// For log lines: "192.0.2.1:41000", or "pid 71 (uid 53)" behind a UNIX socket.
std::string peer_name(int fd, const Endpoint& peer);

}  // namespace weir
