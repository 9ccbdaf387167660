#include "core/net/listen_socket.h"

#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/net/resolution.h"

namespace weir {
namespace {

constexpr int kBacklog = 4096;

std::string why(int error) { return std::strerror(error); }

// Closes unless released.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string remedy(int error) {
  switch (error) {
    case EADDRINUSE:
      return "; another process listens there: stop it or choose another port";
    case EADDRNOTAVAIL:
      return "; this machine has no such address: use one of its own, 0.0.0.0 or [::]";
    case EACCES:
      return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    default:
      return "";
  }
}

// Makes room for a socket file at `path`.
Status clear_path(const std::string& path, const std::string& what) {
  struct stat st {};
  if (lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return Ok{};
    return Error{what + ": cannot look at the path: " + why(errno)};
  }
  if (!S_ISSOCK(st.st_mode))
    return Error{what + ": the path exists and is not a socket; remove it or choose another path"};
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress addr = unix_address(path);
  if (connect(probe.get(), addr.get(), addr.len) == 0 || errno == EAGAIN || errno == EPROTOTYPE)
    return Error{what + ": another process listens on this socket; stop it or choose another path"};
  if (errno != ECONNREFUSED)
    return Error{what + ": cannot tell whether the socket there is in use: " + why(errno)};
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return Error{what + ": cannot remove the socket file that a dead process left: " + why(errno)};
  return Ok{};
}

std::optional<uint32_t> number(const std::string& text) {
  uint32_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// USER or USER:GROUP, names or numbers.
Status set_owner(const std::string& path, const std::string& owner) {
  const size_t colon = owner.find(':');
  const std::string user = owner.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : owner.substr(colon + 1);
  std::vector<char> room(16384);
  auto uid = number(user);
  if (!uid && !user.empty()) {
    passwd entry{};
    passwd* found = nullptr;
    (void)getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
    if (found == nullptr) return Error{"socket_owner '" + owner + "': there is no user '" + user + "'"};
    uid = entry.pw_uid;
  }
  auto gid = number(group);
  if (!gid && !group.empty()) {
    ::group entry{};
    ::group* found = nullptr;
    (void)getgrnam_r(group.c_str(), &entry, room.data(), room.size(), &found);
    if (found == nullptr) return Error{"socket_owner '" + owner + "': there is no group '" + group + "'"};
    gid = entry.gr_gid;
  }
  constexpr auto kAsIs = static_cast<uint32_t>(-1);
  if (chown(path.c_str(), uid.value_or(kAsIs), gid.value_or(kAsIs)) != 0)
    return Error{"socket_owner '" + owner + "' cannot be given " + path + ": " + why(errno) +
                 "; only root may give files away"};
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<ListenSocket>> ListenSocket::open(const ListenPlace& place) {
  if (place.at.scheme == Target::Scheme::tcp || place.at.scheme == Target::Scheme::tls)
    return open_tcp(place);
  if (place.at.scheme == Target::Scheme::unix_stream) return open_unix(place);
  return Error{"listen '" + to_string(place.at) +
               "' is not a place to listen at; write tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"};
}

Result<std::unique_ptr<ListenSocket>> ListenSocket::open_tcp(const ListenPlace& place) {
  const std::string what = "cannot listen on " + to_string(place.at);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(place.at.port);
  const int code = getaddrinfo(place.at.host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) return Error{what + ": the host is not known: " + gai_strerror(code)};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);

  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Fd fd(socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0) {
      error = errno;
      continue;
    }
    sockaddr_storage addr{};
    socklen_t len = sizeof addr;
    (void)getsockname(fd.get(), reinterpret_cast<sockaddr*>(&addr), &len);
    Target bound = place.at;
    bound.port = ntohs(addr.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&addr)->sin6_port
                                                  : reinterpret_cast<sockaddr_in*>(&addr)->sin_port);
    return std::unique_ptr<ListenSocket>(new ListenSocket(fd.release(), std::move(bound)));
  }
  return Error{what + ": " + why(error) + remedy(error)};
}

Result<std::unique_ptr<ListenSocket>> ListenSocket::open_unix(const ListenPlace& place) {
  const std::string& path = place.at.path;
  const std::string what = "cannot listen on " + to_string(place.at);
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return Error{what + ": the path of a UNIX socket has at most 107 bytes; choose a shorter one"};
  if (Status cleared = clear_path(path, what); !cleared) return cleared.error();

  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Before bind(), so that the file is at no time open to more than socket_mode allows.
  (void)fchmod(fd.get(), place.mode);
  const SocketAddress addr = unix_address(path);
  if (bind(fd.get(), addr.get(), addr.len) != 0)
    return Error{what + ": " + why(errno) + "; the directory must exist and be writable"};
  std::unique_ptr<ListenSocket> socket(new ListenSocket(fd.release(), place.at));
  socket->own_file();
  if (chmod(path.c_str(), place.mode) != 0) return Error{what + ": socket_mode cannot be set: " + why(errno)};
  if (!place.owner.empty())
    if (Status owned = set_owner(path, place.owner); !owned) return owned.error();
  if (listen(socket->fd(), kBacklog) != 0) return Error{what + ": " + why(errno)};
  return socket;
}

void ListenSocket::own_file() noexcept {
  struct stat st {};
  if (lstat(bound_.path.c_str(), &st) != 0) return;
  file_dev_ = st.st_dev;
  file_ino_ = st.st_ino;
}

void ListenSocket::stop() noexcept {
  if (stopped_.exchange(true)) return;
  // The descriptor stays, since others may be about to accept from it; they get EINVAL from now on.
  (void)shutdown(fd_, SHUT_RDWR);
  struct stat st {};
  if (file_ino_ != 0 && lstat(bound_.path.c_str(), &st) == 0 && st.st_dev == file_dev_ &&
      st.st_ino == file_ino_)
    (void)unlink(bound_.path.c_str());
}

ListenSocket::~ListenSocket() {
  stop();
  close(fd_);
}

Endpoint endpoint_of(const sockaddr& addr) noexcept {
  Endpoint found;
  if (addr.sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&addr);
    found.addr = IpAddr::v4(reinterpret_cast<const uint8_t*>(&v4->sin_addr));
    found.port = ntohs(v4->sin_port);
    found.has_port = true;
  } else if (addr.sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&addr);
    found.addr = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? IpAddr::v4(v6->sin6_addr.s6_addr + 12)
                                                      : IpAddr::v6(v6->sin6_addr.s6_addr);
    found.port = ntohs(v6->sin6_port);
    found.has_port = true;
  }
  return found;
}

Endpoint peer_endpoint(int fd) {
  sockaddr_storage addr{};
  socklen_t len = sizeof addr;
  auto* any = reinterpret_cast<sockaddr*>(&addr);
  return getpeername(fd, any, &len) == 0 ? endpoint_of(*any) : Endpoint{};
}

std::optional<PeerCredentials> peer_credentials(int fd) {
  ucred cred{};
  socklen_t len = sizeof cred;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) return std::nullopt;
  return PeerCredentials{.pid = cred.pid, .uid = cred.uid};
}

std::string peer_name(int fd, const Endpoint& peer) {
  if (peer.addr.present()) return to_string(peer);
  const auto sender = peer_credentials(fd);
  if (!sender) return "an unknown sender";
  return "pid " + std::to_string(sender->pid) + " (uid " + std::to_string(sender->uid) + ")";
}

}  // namespace weir
