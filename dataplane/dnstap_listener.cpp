#include "dataplane/dnstap_listener.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

// Of unfinished frames, on one lcore. Only hostile senders come near: thousands that each begin a large
// frame.
constexpr size_t kReadCost = 2048;  // what a read counts for at least within a burst
constexpr uint32_t kReadLeast = 4096;
constexpr unsigned kAcceptBurst = 64;
constexpr uint64_t kAcceptRetryNs = 100 * kNsPerMs;
constexpr uint64_t kCheckNs = 100 * kNsPerMs;
constexpr uint64_t kFrameGraceNs = 250 * kNsPerMs;  // at stop, for the rest of a frame that has begun

size_t bytes_waiting(int fd) noexcept {
  int n = 0;
  return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? static_cast<size_t>(n) : 0;
}

// The usual limit on open files is below the usual limit on connections; the hard limit is meant to be used.
// Returns how many descriptors senders may use, so that files can be reopened and metrics be read at any
// time.
int raise_open_files(const DnstapListenOptions& options) {
  constexpr rlim_t kOthers = 128;  // files, listeners, epoll, metrics
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT_MAX;
  const rlim_t need = options.max_connections + kOthers;
  if (limit.rlim_cur < need) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < need)
    spdlog::warn(
        "input {}: max_connections is {}, but only {} files may be open; senders beyond that are refused. "
        "Raise "
        "the limit (LimitNOFILE= in the unit, ulimit -n)",
        options.name, options.max_connections, limit.rlim_cur);
  const rlim_t spare = std::min(kOthers, limit.rlim_cur / 2);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - spare, INT_MAX));
}

}  // namespace

template <class... Args>
void DnstapListener::log(const Now& now, const char* format, const Args&... args) {
  if (!log_.due(now.mono_ns)) return;
  spdlog::warn("input {}: {}{}", name(), fmt::format(fmt::runtime(format), args...), log_.left_out());
}

Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapListenOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores) {
  auto socket =
      ListenSocket::open({.at = options.listen, .mode = options.socket_mode, .owner = options.socket_owner});
  if (!socket) return socket.error();
  auto share = std::make_shared<DnstapListenerShare>(std::move(socket).value(), ingest_lcores);
  share->fd_limit = raise_open_files(options);
  std::vector<std::unique_ptr<Input>> inputs;
  for (unsigned lcore = 0; lcore < ingest_lcores; ++lcore) {
    auto listener = std::make_unique<DnstapListener>(options, input_index, lcore, share);
    if (Status watched = listener->watch(); !watched) return watched.error();
    inputs.push_back(std::move(listener));
  }
  return inputs;
}

DnstapListener::DnstapListener(const DnstapListenOptions& options, uint16_t index, unsigned lcore,
                               std::shared_ptr<DnstapListenerShare> share)
    : Input(options.name, index, lcore),
      options_(options),
      share_(std::move(share)),
      intake_(index, options.overflow),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(std::max(options.read_buffer, kReadLeast)) {}

DnstapListener::~DnstapListener() {
  if (epoll_ >= 0) ::close(epoll_);
}

Status DnstapListener::watch() {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ >= 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, share_->socket->fd(), &event) == 0) return Ok{};
  return Error{"input " + name() + " cannot watch its connections: " + std::strerror(errno) +
               "; raise the limit on open files (ulimit -n)"};
}

Poll DnstapListener::poll(const Now& now, FrameWriter& writer) {
  if (current_ != nullptr) {
    const size_t before = rest_.size();
    if (!resume(now, writer)) return rest_.size() == before ? Poll::idle : Poll::busy;
  }
  if (stopped_) return drain(now, writer);
  bool busy = false;
  bool looked = false;
  for (size_t spent = 0; spent < buffer_.size() && current_ == nullptr;) {
    if (ready_at_ == ready_count_) {
      if (looked) break;
      looked = true;
      busy |= look(now);
      if (ready_count_ == 0) break;
    }
    DnstapConnection& connection = *ready_[ready_at_++];
    spent += std::max(read(connection, buffer_.size(), now, writer), kReadCost);
    busy = true;
  }
  return busy ? Poll::busy : Poll::idle;
}

// false: there is still no room.
bool DnstapListener::resume(const Now& now, FrameWriter& writer) {
  counters_.backpressure_ns.add(now.mono_ns - waiting_since_ns_);
  DnstapConnection& connection = *std::exchange(current_, nullptr);
  if (!take(connection, now, writer)) return false;
  resumed_ns_ = now.mono_ns;
  share_->loads[lcore()].accepts.store(true, std::memory_order_relaxed);
  return true;
}

// New connections and the next list of those with something to read. true: somebody came.
bool DnstapListener::look(const Now& now) {
  if (now.mono_ns >= check_after_ns_) check_timeouts(now);
  std::array<epoll_event, 64> events;
  const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  ready_at_ = ready_count_ = 0;
  bool listening = false;
  for (int i = 0; i < n; ++i) {
    auto* connection = static_cast<DnstapConnection*>(events[static_cast<size_t>(i)].data.ptr);
    if (connection == nullptr)
      listening = true;
    else
      ready_[ready_count_++] = connection;
  }
  if (!listening || now.mono_ns < accept_after_ns_) return false;
  const uint64_t before = accepted_.get() + refused_.get();
  accept_waiting(now);
  return accepted_.get() + refused_.get() != before;
}

// One read of at most `limit` bytes; how many came. The connection may be closed by it.
size_t DnstapListener::read(DnstapConnection& connection, size_t limit, const Now& now, FrameWriter& writer) {
  const ssize_t n = recv(connection.fd(), buffer_.data(), std::min(limit, buffer_.size()), MSG_DONTWAIT);
  if (n > 0) {
    counters_.bytes.add(static_cast<uint64_t>(n));
    rest_ = {buffer_.data(), static_cast<size_t>(n)};
    (void)take(connection, now, writer);
    return static_cast<size_t>(n);
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (n < 0)
    close(connection, ConnectionEnd::reset, now);
  else
    close(connection, connection.streams().ended() ? ConnectionEnd::finished : ConnectionEnd::eof, now);
  return 0;
}

// Works through rest_. false: there is no room, and current_ waits for it.
bool DnstapListener::take(DnstapConnection& connection, const Now& now, FrameWriter& writer) {
  const size_t held_before = connection.held_memory();
  const DnstapConnection::Taken taken = connection.take(rest_, now, intake_, writer, counters_);
  held_bytes_.set(held_bytes_.get() + connection.held_memory() - held_before);
  odd_control_.add(connection.take_odd());
  if (connection.take_too_long() != 0)
    log(now, "{} sent a frame of more than {} bytes, which was skipped; raise frame_limit",
        connection.peer_name(), options_.frame_limit);
  waiting_bytes_.set(taken == DnstapConnection::Taken::no_room ? rest_.size() : 0);
  switch (taken) {
    case DnstapConnection::Taken::all:
      if (held_bytes_.get() <= DnstapListenOptions::kMostHeld || connection.missing() == 0) return true;
      log(now, "{} was closed: unfinished frames hold more than {} MiB", connection.peer_name(),
          DnstapListenOptions::kMostHeld >> 20U);
      close(connection, ConnectionEnd::memory, now);
      return true;
    case DnstapConnection::Taken::no_room:
      current_ = &connection;
      waiting_since_ns_ = now.mono_ns;
      share_->loads[lcore()].accepts.store(false, std::memory_order_relaxed);
      return false;
    case DnstapConnection::Taken::fault:
      break;
  }
  const StreamFault fault = connection.streams().fault();
  faults_[static_cast<size_t>(fault)].add(1);
  log(now, "the stream of {} was given up: {}", connection.peer_name(), weir::describe(fault));
  close(connection, ConnectionEnd::fault, now);
  return true;
}

// The instance with the fewest connections accepts, the first of equals; the others leave it to that one.
bool DnstapListener::my_turn() const noexcept {
  const uint32_t mine = share_->loads[lcore()].connections.load(std::memory_order_relaxed);
  return std::none_of(share_->loads.begin(), share_->loads.end(), [mine](const auto& load) {
    return load.accepts.load(std::memory_order_relaxed) &&
           load.connections.load(std::memory_order_relaxed) < mine;
  });
}

void DnstapListener::accept_waiting(const Now& now) {
  for (unsigned i = 0; i < kAcceptBurst && my_turn(); ++i) {
    const int fd = accept4(share_->socket->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      add(fd, now);
      continue;
    }
    if (errno == ECONNABORTED || errno == EPROTO || errno == EINTR) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Senders wait in the kernel's backlog; asking again at once would only burn the CPU.
      accept_after_ns_ = now.mono_ns + kAcceptRetryNs;
      accept_errors_.add(1);
      log(now, "a sender cannot be accepted: {}; raise the limit on open files (ulimit -n)",
          std::strerror(errno));
    }
    return;  // else nobody waits, or another instance has stopped the socket
  }
}

void DnstapListener::add(int fd, const Now& now) {
  const bool full = share_->connections.fetch_add(1, std::memory_order_relaxed) >= options_.max_connections;
  if (full || fd >= share_->fd_limit) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    refused_.add(1);
    if (full)
      log(now, "{} was refused: {} connections are open; raise max_connections",
          peer_name(fd, peer_endpoint(fd)), options_.max_connections);
    else
      log(now,
          "{} was refused: the other open files are kept for files and metrics; raise the limit (ulimit -n)",
          peer_name(fd, peer_endpoint(fd)));
    ::close(fd);
    return;
  }
  auto connection = std::make_unique<DnstapConnection>(fd, options_.frame_limit, now.mono_ns);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    accept_errors_.add(1);
    log(now, "{} cannot be watched: {}", connection->peer_name(), std::strerror(errno));
    return;
  }
  spdlog::debug("input {}: {} connected", name(), connection->peer_name());
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
  accepted_.add(1);
  open_.set(connections_.size());
  share_->loads[lcore()].connections.store(static_cast<uint32_t>(connections_.size()),
                                           std::memory_order_relaxed);
}

void DnstapListener::close(DnstapConnection& connection, ConnectionEnd end, const Now& now) {
  if (connection.cut_in_frame()) {
    counters_.units.add(1);
    counters_.drops.add(Drop::frame_cut, 1);
    log(now, "the stream of {} ended inside a frame", connection.peer_name());
  }
  spdlog::debug("input {}: {} ended: {}", name(), connection.peer_name(), to_string(end));
  closed_[static_cast<size_t>(end)].add(1);
  held_bytes_.set(held_bytes_.get() - connection.held_memory());
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();  // closes its socket, which takes it out of epoll
  open_.set(connections_.size());
  share_->connections.fetch_sub(1, std::memory_order_relaxed);
  share_->loads[lcore()].connections.store(static_cast<uint32_t>(connections_.size()),
                                           std::memory_order_relaxed);
}

// Called with no list of ready connections at work, since it closes some.
void DnstapListener::check_timeouts(const Now& now) {
  check_after_ns_ = now.mono_ns + kCheckNs;
  const uint64_t handshake_ns = options_.handshake_timeout_ms * kNsPerMs;
  const uint64_t idle_ns = options_.idle_timeout_ms * kNsPerMs;
  for (size_t i = connections_.size(); i-- > 0;) {
    DnstapConnection& connection = *connections_[i];
    const bool running = connection.streams().running();
    const uint64_t limit_ns = running ? idle_ns : handshake_ns;
    const uint64_t since =
        std::max(running ? connection.last_byte_ns() : connection.waiting_since_ns(), resumed_ns_);
    if (limit_ns == 0 || now.mono_ns < since + limit_ns) continue;
    if (connection.streams().ended()) {
      close(connection, ConnectionEnd::finished, now);
      continue;
    }
    // It is us who are late.
    if (running && bytes_waiting(connection.fd()) != 0) continue;
    log(now, "{} was closed: {} within {} ms", connection.peer_name(), running ? "not a byte" : "no START",
        running ? options_.idle_timeout_ms : options_.handshake_timeout_ms);
    close(connection, running ? ConnectionEnd::idle_timeout : ConnectionEnd::handshake_timeout, now);
  }
}

// Nobody new; what senders have sent by now is read, and not what they go on to send.
void DnstapListener::stop(const Now& now) {
  if (stopped_) return;
  stopped_ = true;
  stopped_ns_ = now.mono_ns;
  share_->loads[lcore()].accepts.store(false, std::memory_order_relaxed);
  share_->socket->stop();
  for (auto& connection : connections_) {
    // On a UNIX socket this makes the sender's next write fail at once, and what is in the socket stays
    // readable.
    if (!connection->peer().addr.present()) (void)shutdown(connection->fd(), SHUT_RD);
    connection->drain_left = bytes_waiting(connection->fd());
  }
}

Poll DnstapListener::drain(const Now& now, FrameWriter& writer) {
  bool busy = false;
  size_t spent = 0;
  for (size_t tries = connections_.size(); tries != 0 && spent < buffer_.size() && current_ == nullptr;
       --tries) {
    if (drain_at_ >= connections_.size()) drain_at_ = 0;
    DnstapConnection& connection = *connections_[drain_at_];
    const size_t open_before = connections_.size();
    const size_t left = std::max(connection.drain_left, connection.missing());
    const size_t n = left == 0 ? 0 : read(connection, left, now, writer);
    spent += std::max(n, kReadCost);
    if (connections_.size() != open_before) continue;  // it ended, and another has its place
    connection.drain_left -= std::min(connection.drain_left, n);
    if (current_ == nullptr && n == 0 &&
        (connection.missing() == 0 || now.mono_ns >= stopped_ns_ + kFrameGraceNs)) {
      close(connection, ConnectionEnd::stopped, now);
      busy = true;
      continue;
    }
    busy |= n != 0;
    ++drain_at_;
  }
  if (connections_.empty()) return Poll::done;
  return busy ? Poll::busy : Poll::idle;
}

void DnstapListener::abandon() {
  if (current_ != nullptr) {
    const uint64_t frames = current_->give_up(rest_);
    counters_.units.add(frames);
    counters_.drops.add(Drop::ingest_shutdown, frames);
    current_ = nullptr;
    rest_ = {};
  }
  share_->socket->stop();
  while (!connections_.empty()) close(*connections_.back(), ConnectionEnd::stopped, read_clock());
}

}  // namespace weir
