#include "exporters/sinks/datagram_sink.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr uint64_t kProbeNs = 100 * kNsPerMs;

}  // namespace

DatagramSink::DatagramSink(Target to, size_t max_bytes) : to_(std::move(to)), max_bytes_(max_bytes) {}

DatagramSink::~DatagramSink() {
  if (fd_ >= 0) ::close(fd_);
}

bool DatagramSink::poll(const Now& now) {
  if (now.mono_ns < next_ns_) return false;
  if (fd_ < 0) {
    open(now);
    return fd_ >= 0;
  }
  if (!probe_sent_) return false;
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
    fail(error, now);
    return true;
  }
  probing_ = probe_sent_ = false;
  backoff_.reset();
  log_.over();
  spdlog::info("{} takes data", to_string(to_));
  return true;
}

void DatagramSink::open(const Now& now) {
  if (!is_unix()) {
    if (!resolution_) resolution_ = Resolution::start(to_.host, to_.port, SOCK_DGRAM);
    if (!resolution_->ready()) return;
  }
  const auto resolution = std::exchange(resolution_, nullptr);
  if (resolution && !resolution->error().empty()) {
    ++faults_;
    next_ns_ = now.mono_ns + backoff_.next_ns();
    if (log_.due(now.mono_ns)) spdlog::error("{}: {}", to_string(to_), resolution->error());
    return;
  }
  const std::vector<SocketAddress> addresses =
      is_unix() ? std::vector{unix_address(to_.path)} : resolution->addresses();
  int error = EADDRNOTAVAIL;
  for (const SocketAddress& address : addresses) {
    fd_ = ::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ >= 0 && ::connect(fd_, address.get(), address.len) == 0) return;
    error = errno;
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  fail(error, now);
}

void DatagramSink::fail(int error, const Now& now) {
  ++faults_;
  const uint64_t pause_ns = backoff_.next_ns();
  next_ns_ = now.mono_ns + pause_ns;
  probing_ = true;
  probe_sent_ = false;
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}; next try in {} ms", to_string(to_), std::strerror(error), pause_ns / kNsPerMs);
}

bool DatagramSink::takes_more() const noexcept {
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  return ::poll(&ready, 1, 0) == 1;
}

size_t DatagramSink::record_end(std::string_view records, size_t from) noexcept {
  const size_t end = records.find('\n', from);
  return end == std::string_view::npos ? records.size() : end + 1;
}

size_t DatagramSink::write(std::string_view records, size_t sent, const Now& now) {
  while (sent < records.size() && fd_ >= 0 && !probe_sent_ && now.mono_ns >= next_ns_) {
    const size_t before = sent;
    sent = send_some(records, sent, now);
    taken_ += sent - before;
    if (sent == before) break;
  }
  return sent;
}

size_t DatagramSink::refuse(std::string_view records, size_t sent, const Now& now) {
  const size_t end = record_end(records, sent);
  refused_.push_back({.end = taken_ + (end - sent), .reason = Drop::refused});
  if (refusal_log_.due(now.mono_ns))
    spdlog::warn(
        "{}: a record of {} bytes is too long for a datagram and is dropped; fewer keys make it shorter",
        to_string(to_), end - sent - 1);
  return end;
}

// As many datagrams as go in one call, up to the next that is too long.
size_t DatagramSink::send_some(std::string_view records, size_t sent, const Now& now) {
  std::array<mmsghdr, kMostAtOnce> messages{};
  std::array<iovec, kMostAtOnce> parts;
  std::array<size_t, kMostAtOnce> ends;
  unsigned count = 0;
  size_t at = sent;
  const unsigned most = probing_ ? 1 : kMostAtOnce;
  while (count < most && at < records.size()) {
    const size_t end = record_end(records, at);
    if (end - at - 1 > max_bytes_) break;
    parts[count] = {const_cast<char*>(records.data() + at), end - at - 1};
    messages[count].msg_hdr.msg_iov = &parts[count];
    messages[count].msg_hdr.msg_iovlen = 1;
    ends[count++] = at = end;
  }
  if (count == 0) return refuse(records, sent, now);
  int n = 0;
  do n = ::sendmmsg(fd_, messages.data(), count, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    if (probing_) {
      probe_sent_ = true;
      next_ns_ = now.mono_ns + kProbeNs;
    }
    // sendmmsg() forgets the error that stopped it.
    if (!is_unix() && static_cast<unsigned>(n) < count && takes_more()) fail(ECONNREFUSED, now);
    return ends[static_cast<size_t>(n) - 1];
  }
  if (errno == EMSGSIZE) return refuse(records, sent, now);
  if (errno != EAGAIN && errno != ENOBUFS) fail(errno, now);
  return sent;
}

}  // namespace weir
