#include "exporters/sinks/peer_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <utility>

namespace weir {
namespace {

constexpr uint64_t kLookNs = 100 * kNsPerMs;
constexpr uint64_t kSecureNs = 5 * kNsPerSec;
constexpr uint64_t kSteadyNs = 5 * kNsPerSec;     // a connection that lasts so long makes failures forgotten
constexpr uint64_t kDeadPeerNs = 30 * kNsPerSec;  // bytes under way and no acknowledgement for so long

}  // namespace

PeerConnection::PeerConnection(std::vector<Peer> peers) : peers_(std::move(peers)) {
  for (const Peer& peer : peers_) dialers_.push_back(std::make_unique<Dialer>(peer.at));
}

bool PeerConnection::poll(const Now& now) {
  if (closed_) return false;
  if (!stream_) return dial(now);
  if (!connected()) {
    secure(now);
    return connected() || !stream_;
  }
  look_at_peer(now);
  return !stream_;
}

bool PeerConnection::dial(const Now& now) {
  const Dialer::Step step = dialer().poll(now);
  if (!step.why.empty()) {
    report(step.why, step.pause_ns, now);
    current_ = (current_ + 1) % peers_.size();
  }
  if (step.fd >= 0) use(step.fd, now);
  return step.worked;
}

void PeerConnection::use(int fd, const Now& now) {
  stream_.emplace(fd, peer().scheme == Target::Scheme::unix_stream, peers_[current_].tls.get());
  connected_ns_ = now.mono_ns;
  secure(now);
}

void PeerConnection::secure(const Now& now) {
  if (!stream_->secure()) {
    if (stream_->over()) return fail("TLS failed: " + stream_->why(), now);
    if (now.mono_ns - connected_ns_ >= kSecureNs) fail("it does not end TLS's handshake", now);
    return;
  }
  connected_ns_ = all_acknowledged_ns_ = now.mono_ns;
  look_after_ns_ = now.mono_ns + kLookNs;
  connects_.add(1);
  log_.over();
  const std::string tls = stream_->tls_text();
  spdlog::info("{}: connected{}{}{}", to_string(peer()), tls.empty() ? "" : " (", tls,
               tls.empty() ? "" : ")");
}

size_t PeerConnection::send(std::string_view bytes, const Now& now) {
  if (!connected()) return 0;
  const size_t sent = stream_->send(bytes);
  fail_if_over(now);
  return sent;
}

size_t PeerConnection::receive(std::span<uint8_t> room, const Now& now) {
  if (!connected()) return 0;
  const size_t received = stream_->receive(room);
  fail_if_over(now);
  return received;
}

void PeerConnection::fail_if_over(const Now& now) {
  if (stream_->over()) fail(std::string(stream_->why()), now);
}

bool PeerConnection::take_break() noexcept { return std::exchange(broke_, false); }

void PeerConnection::look_at_peer(const Now& now) {
  stream_->look();
  if (now.mono_ns < look_after_ns_) return;
  look_after_ns_ = now.mono_ns + kLookNs;
  if (now.mono_ns - connected_ns_ > kSteadyNs) dialer().good();
  if (peer_is_dead(now)) fail("the peer has acknowledged nothing for 30 s", now);
}

// A peer that lives and reads nothing acknowledges the kernel's probes of its full window; so
// TCP_USER_TIMEOUT, which counts from the first probe, would end its connection too.
bool PeerConnection::peer_is_dead(const Now& now) {
  if (stream_->unsettled() == 0 || stream_->is_unix()) {
    all_acknowledged_ns_ = now.mono_ns;
    return false;
  }
  if (now.mono_ns - all_acknowledged_ns_ < kDeadPeerNs) return false;
  tcp_info info{};
  socklen_t len = sizeof info;
  if (getsockopt(stream_->fd(), IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
  return uint64_t{info.tcpi_last_ack_recv} * kNsPerMs >= kDeadPeerNs;
}

void PeerConnection::fail(const std::string& why, const Now& now) {
  if (connected()) {
    stream_->look();
    unsettled_at_break_ = stream_->unsettled();
    resent_bytes_.add(unsettled_at_break_);
    broke_ = true;
  }
  stream_.reset();
  report(why, dialer().broke(now), now);
  current_ = current_ == 0 && peers_.size() > 1 ? 1 : 0;
}

void PeerConnection::report(const std::string& why, uint64_t pause_ns, const Now& now) {
  ++faults_;
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}; next try in {} ms", to_string(peer()), why, pause_ns / kNsPerMs);
}

void PeerConnection::close() {
  stream_.reset();
  closed_ = true;
}

void PeerConnection::reload_tls() {
  for (const Peer& peer : peers_)
    if (peer.tls) reload_certificates(*peer.tls, to_string(peer.at));
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
