#include "exporters/tcp_sink.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

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

TcpSink::TcpSink(Target peer) : dialer_(std::move(peer)) {}

TcpSink::~TcpSink() { close_socket(); }

size_t TcpSink::write(std::string_view lines, size_t sent, const Now& now) {
  while (fd_ >= 0 && sent < lines.size()) {
    const ssize_t n = send(fd_, lines.data() + sent, lines.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      lose(std::strerror(errno), now);
    }
  }
  return sent;
}

bool TcpSink::poll(const Now& now) {
  if (fd_ < 0) return dial(now);
  if (now.mono_ns < look_after_ns_) return false;
  look_after_ns_ = now.mono_ns + kLookNs;
  if (now.mono_ns - connected_ns_ > kSteadyNs) dialer_.good();
  if (!read_and_forget())
    lose("the peer closed the connection", now);
  else if (peer_is_dead(now))
    lose("the peer has acknowledged nothing for 30 s", now);
  return fd_ < 0;
}

size_t TcpSink::unsettled() const {
  if (broke_) return unsettled_at_break_;
  return fd_ >= 0 ? unacknowledged(fd_) : 0;
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

bool TcpSink::dial(const Now& now) {
  const Dialer::Step step = dialer_.poll(now);
  if (!step.why.empty()) report(step.why, step.pause_ns, now);
  if (step.fd >= 0) use_connection(step.fd, now);
  return step.worked;
}

void TcpSink::use_connection(int fd, const Now& now) {
  fd_ = fd;
  watch_for_death(fd_);
  connected_ns_ = all_acknowledged_ns_ = now.mono_ns;
  look_after_ns_ = now.mono_ns + kLookNs;
  connects_.add(1);
  log_.over();
  spdlog::info("{}: connected", to_string(dialer_.peer()));
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

void TcpSink::lose(const std::string& why, const Now& now) {
  unsettled_at_break_ = unacknowledged(fd_);
  resent_bytes_.add(unsettled_at_break_);
  broke_ = true;
  close_socket();
  report(why, dialer_.broke(now), now);
}

void TcpSink::report(const std::string& why, uint64_t pause_ns, const Now& now) {
  ++faults_;
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}; next try in {} ms", to_string(dialer_.peer()), why, pause_ns / kNsPerMs);
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
