#include "exporters/peer_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
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

}  // namespace

PeerConnection::PeerConnection(Target peer) : dialer_(std::move(peer)) {}

PeerConnection::~PeerConnection() { close_socket(); }

bool PeerConnection::poll(const Now& now) {
  if (closed_) return false;
  if (fd_ < 0) return dial(now);
  look_at_peer(now);
  return fd_ < 0;
}

bool PeerConnection::dial(const Now& now) {
  const Dialer::Step step = dialer_.poll(now);
  if (!step.why.empty()) report(step.why, step.pause_ns, now);
  if (step.fd >= 0) use(step.fd, now);
  return step.worked;
}

void PeerConnection::use(int fd, const Now& now) {
  fd_ = fd;
  if (!is_unix()) watch_for_death(fd_);
  connected_ns_ = all_acknowledged_ns_ = now.mono_ns;
  look_after_ns_ = now.mono_ns + kLookNs;
  sent_bytes_.reset();
  connects_.add(1);
  log_.over();
  spdlog::info("{}: connected", to_string(peer()));
}

size_t PeerConnection::send(std::string_view bytes, const Now& now) {
  size_t sent = 0;
  while (fd_ >= 0 && sent < bytes.size()) {
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

size_t PeerConnection::receive(std::span<uint8_t> room, const Now& now) {
  while (fd_ >= 0) {
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

bool PeerConnection::take_break() noexcept { return std::exchange(broke_, false); }

void PeerConnection::look_at_peer(const Now& now) {
  sent_bytes_.refresh(fd_, is_unix());
  if (now.mono_ns < look_after_ns_) return;
  look_after_ns_ = now.mono_ns + kLookNs;
  if (now.mono_ns - connected_ns_ > kSteadyNs) dialer_.good();
  if (peer_is_dead(now)) fail("the peer has acknowledged nothing for 30 s", now);
}

// A peer that lives and reads nothing acknowledges the kernel's probes of its full window; so
// TCP_USER_TIMEOUT, which counts from the first probe, would end its connection too.
bool PeerConnection::peer_is_dead(const Now& now) {
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

void PeerConnection::fail(const std::string& why, const Now& now) {
  sent_bytes_.refresh(fd_, is_unix());
  unsettled_at_break_ = sent_bytes_.unsettled();
  resent_bytes_.add(unsettled_at_break_);
  broke_ = true;
  close_socket();
  report(why, dialer_.broke(now), now);
}

void PeerConnection::report(const std::string& why, uint64_t pause_ns, const Now& now) {
  ++faults_;
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}; next try in {} ms", to_string(peer()), why, pause_ns / kNsPerMs);
}

void PeerConnection::close() {
  close_socket();
  closed_ = true;
}

void PeerConnection::close_socket() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void PeerConnection::describe(MetricVisitor& visitor, const Labels& labels) const {
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
