// ListenSocket: a listening TCP or UNIX socket, shared by the instances of one listener, which accept from it
// on their lcores. Opened on the control thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>

#include "core/addr.h"
#include "core/result.h"
#include "dataplane/input_options.h"

namespace weir {

class ListenSocket {
 public:
  // options.listen: tcp, tls or unix_stream. A socket file that nobody listens on is replaced; one that is in
  // use, and a path that is something else, are errors.
  static Result<std::unique_ptr<ListenSocket>> open(const DnstapInputOptions& options);
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
  static Result<std::unique_ptr<ListenSocket>> open_tcp(const DnstapInputOptions& options);
  static Result<std::unique_ptr<ListenSocket>> open_unix(const DnstapInputOptions& options);
  void own_file() noexcept;

  int fd_;
  Target bound_;
  dev_t file_dev_ = 0;  // of the socket file, so that another's is not removed
  ino_t file_ino_ = 0;
  std::atomic<bool> stopped_{false};
};

// The peer of an accepted socket: its address; absent for UNIX sockets. v4-mapped IPv6 is shown as IPv4.
Endpoint peer_endpoint(int fd);
// For log lines: "192.0.2.1:41000", or "pid 71 (uid 53)" behind a UNIX socket.
std::string peer_name(int fd, const Endpoint& peer);

}  // namespace weir
