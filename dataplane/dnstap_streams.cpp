#include "dataplane/dnstap_streams.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/peer_names.h"

namespace weir {
namespace {

constexpr size_t kReadCost = 2048;  // what a read counts for at least within a burst
constexpr uint32_t kReadLeast = 4096;
constexpr size_t kEventsAtOnce = 64;
constexpr uint64_t kPauseNs = 10 * kNsPerMs;  // of a connection that has used up its rate_limit
constexpr uint64_t kCheckNs = 100 * kNsPerMs;
constexpr uint64_t kFrameGraceNs = 250 * kNsPerMs;  // at stop, for the rest of a frame that has begun

size_t bytes_waiting(int fd) noexcept {
  int n = 0;
  return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? static_cast<size_t>(n) : 0;
}

ConnectionEnd end_of(ByteStream::Failure failure) noexcept {
  switch (failure) {
    case ByteStream::Failure::plain_text:
      return ConnectionEnd::tls_plain_text;
    case ByteStream::Failure::certificate:
      return ConnectionEnd::tls_certificate;
    case ByteStream::Failure::tls:
      return ConnectionEnd::tls;
    case ByteStream::Failure::none:
    case ByteStream::Failure::socket:
      break;
  }
  return ConnectionEnd::reset;
}

}  // namespace

void DnstapStreams::warn(const std::string& text) {
  spdlog::warn("input {}: {}{}", name(), text, log_.left_out());
}

DnstapStreams::DnstapStreams(const DnstapInputOptions& options, uint16_t index, unsigned lcore)
    : Input(options.name, index, lcore),
      options_(options),
      intake_(index, {.overflow = options.overflow, .live = true, .pair = options.pair}),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(std::max(options.read_buffer, kReadLeast)),
      board_(options.connection_metrics) {}

DnstapStreams::~DnstapStreams() {
  if (epoll_ >= 0) ::close(epoll_);
}

Status DnstapStreams::watch(int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ >= 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return Ok{};
  return Error{"input " + name() + " cannot watch its connections: " + std::strerror(errno) +
               "; raise the limit on open files (ulimit -n)"};
}

bool DnstapStreams::add(std::unique_ptr<DnstapConnection> connection) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd(), &event) != 0) return false;
  spdlog::debug("input {}: {} connected", name(), connection->peer_name());
  connection->index = connections_.size();
  // TLS may have to speak first.
  set_unread(*connection, !connection->stream().secured());
  if (connection->stream().secured()) show(*connection);
  connections_.push_back(std::move(connection));
  open_.set(connections_.size());
  return true;
}

void DnstapStreams::show(DnstapConnection& connection) {
  if (options_.connection_metrics == 0) return;
  const StreamId& id = connection.stream_id();
  connection.place = board_.show(id.connection, connection.peer_name(), PeerNames::at(id.name));
}

Poll DnstapStreams::poll(const Now& now, FrameWriter& writer) {
  if (current_ != nullptr) {
    const size_t before = rest_.size();
    if (!resume(now, writer)) return rest_.size() == before ? Poll::idle : Poll::busy;
  }
  if (stopped_) return drain(now, writer);
  bool busy = false;
  bool looked = false;
  for (size_t spent = 0; spent < buffer_.size() && current_ == nullptr;) {
    if (ready_at_ == ready_.size()) {
      if (looked) break;
      looked = true;
      busy |= look(now);
      if (ready_.empty()) break;
    }
    DnstapConnection& connection = *ready_[ready_at_++];
    spent += std::max(read(connection, buffer_.size(), now, writer), kReadCost);
    busy = true;
  }
  return busy ? Poll::busy : Poll::idle;
}

// false: there is still no room.
bool DnstapStreams::resume(const Now& now, FrameWriter& writer) {
  counters_.backpressure_ns.add(now.mono_ns - waiting_since_ns_);
  DnstapConnection& connection = *std::exchange(current_, nullptr);
  if (!take(connection, now, writer)) return false;
  resumed_ns_ = now.mono_ns;
  waits(false);
  return true;
}

// New connections and the next list of those with something to read. true: somebody came.
bool DnstapStreams::look(const Now& now) {
  if (now.mono_ns >= check_after_ns_) check_timeouts(now);
  if (paused_ != 0) watch_again(now);
  std::array<epoll_event, kEventsAtOnce> events;
  const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  ready_.clear();
  ready_at_ = 0;
  bool signalled = false;
  for (int i = 0; i < n; ++i) {
    auto* connection = static_cast<DnstapConnection*>(events[static_cast<size_t>(i)].data.ptr);
    if (connection == nullptr)
      signalled = true;
    else if (connection->paused_until_ns == 0)  // else its end is what is told, which can wait
      ready_.push_back(connection);
  }
  if (unread_ != 0) {
    const size_t known = ready_.size();
    for (const auto& connection : connections_)
      if (connection->unread && connection->paused_until_ns == 0 &&
          std::find(ready_.data(), ready_.data() + known, connection.get()) == ready_.data() + known)
        ready_.push_back(connection.get());
  }
  return meet(now, signalled);
}

// One read of at most `limit` bytes; how many came. The connection may be closed by it.
size_t DnstapStreams::read(DnstapConnection& connection, size_t limit, const Now& now, FrameWriter& writer) {
  // What came before the stop is read whatever the rate.
  if (!stopped_) limit = allowed(connection, limit, now);
  if (limit == 0) return 0;
  set_unread(connection, false);
  if (!connection.stream().secured() && !shake_hands(connection, now)) return 0;
  const ByteStream::Result result =
      connection.stream().read({buffer_.data(), std::min(limit, buffer_.size())});
  set_unread(connection, connection.stream().unread());
  switch (result.io) {
    case ByteStream::Io::done:
      connection.allowance -= std::min<uint64_t>(connection.allowance, result.bytes);
      counters_.bytes.add(result.bytes);
      if (connection.place) connection.place->bytes.add(result.bytes);
      rest_ = {buffer_.data(), result.bytes};
      (void)take(connection, now, writer);
      return result.bytes;
    case ByteStream::Io::again:
      watch_for_more(connection);
      return 0;
    case ByteStream::Io::closed:
      close(connection, connection.streams().ended() ? ConnectionEnd::finished : ConnectionEnd::eof, now);
      return 0;
    case ByteStream::Io::failed:
      break;
  }
  if (connection.stream().failure() != ByteStream::Failure::socket)
    log(now, "the connection of {} was given up: {}", connection.peer_name(), connection.stream().error());
  close(connection, end_of(connection.stream().failure()), now);
  return 0;
}

// true: TLS is there, or is not asked for. The connection may be closed by it.
bool DnstapStreams::shake_hands(DnstapConnection& connection, const Now& now) {
  switch (connection.stream().secure()) {
    case ByteStream::Io::done:
      watch_for_more(connection);
      connection.note_peer_name();
      show(connection);
      spdlog::debug("input {}: {} speaks {}", name(), connection.peer_name(), connection.stream().tls_text());
      return true;
    case ByteStream::Io::again:
      watch_for_more(connection);
      return false;
    case ByteStream::Io::closed:
      close(connection, ConnectionEnd::eof, now);
      return false;
    case ByteStream::Io::failed:
      break;
  }
  log(now, "TLS with {} failed: {}", connection.peer_name(), connection.stream().error());
  close(connection, end_of(connection.stream().failure()), now);
  return false;
}

void DnstapStreams::set_unread(DnstapConnection& connection, bool unread) noexcept {
  unread_ += static_cast<size_t>(unread) - static_cast<size_t>(connection.unread);
  connection.unread = unread;
}

// TLS may want to write before it can read on.
void DnstapStreams::watch_for_more(DnstapConnection& connection) {
  if (connection.stream().wants_to_write() == connection.watched_for_room) return;
  connection.watched_for_room = !connection.watched_for_room;
  watch_anew(connection);
}

void DnstapStreams::watch_anew(DnstapConnection& connection) noexcept {
  uint32_t events = 0;  // while it is paused; its end is told all the same
  if (connection.paused_until_ns == 0) events = connection.watched_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  epoll_event event{.events = events, .data = {.ptr = &connection}};
  (void)epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd(), &event);
}

// How many of `limit` bytes rate_limit lets pass now: a second's worth may come at once. 0: the connection
// rests.
size_t DnstapStreams::allowed(DnstapConnection& connection, size_t limit, const Now& now) {
  const uint64_t rate = options_.rate_limit;
  if (rate == 0) return limit;
  const uint64_t passed_ns = std::min(now.mono_ns - connection.allowance_at_ns, kNsPerSec);
  const uint64_t earned = passed_ns * rate / kNsPerSec;
  if (earned != 0) {
    connection.allowance = std::min(connection.allowance + earned, rate);
    connection.allowance_at_ns = now.mono_ns;
  }
  if (connection.allowance == 0) pause(connection, now.mono_ns + kPauseNs);
  return std::min<uint64_t>(limit, connection.allowance);
}

void DnstapStreams::pause(DnstapConnection& connection, uint64_t until_ns) {
  connection.paused_until_ns = until_ns;
  ++paused_;
  pauses_.add(1);
  watch_anew(connection);
}

void DnstapStreams::watch_again(const Now& now) {
  for (const auto& connection : connections_) {
    if (connection->paused_until_ns == 0 || now.mono_ns < connection->paused_until_ns) continue;
    connection->paused_until_ns = 0;
    --paused_;
    watch_anew(*connection);
  }
}

// Works through rest_. false: there is no room, and current_ waits for it.
bool DnstapStreams::take(DnstapConnection& connection, const Now& now, FrameWriter& writer) {
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
      if (held_bytes_.get() <= DnstapInputOptions::kMostHeld || connection.missing() == 0) return true;
      log(now, "{} was closed: unfinished frames hold more than {} MiB", connection.peer_name(),
          DnstapInputOptions::kMostHeld >> 20U);
      close(connection, ConnectionEnd::memory, now);
      return true;
    case DnstapConnection::Taken::no_room:
      current_ = &connection;
      waiting_since_ns_ = now.mono_ns;
      waits(true);
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

void DnstapStreams::close(DnstapConnection& connection, ConnectionEnd end, const Now& now) {
  if (connection.cut_in_frame()) {
    counters_.units.add(1);
    counters_.drops.add(end == ConnectionEnd::memory ? Drop::frame_memory : Drop::frame_cut, 1);
    if (end != ConnectionEnd::memory)
      log(now, "the stream of {} ended inside a frame", connection.peer_name());
  }
  spdlog::debug("input {}: {} ended: {}", name(), connection.peer_name(), to_string(end));
  closed_[static_cast<size_t>(end)].add(1);
  board_.take_down(connection.place);
  held_bytes_.set(held_bytes_.get() - connection.held_memory());
  set_unread(connection, false);
  if (connection.paused_until_ns != 0) --paused_;
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  const std::unique_ptr<DnstapConnection> gone = std::move(connections_.back());
  connections_.pop_back();
  open_.set(connections_.size());
  parted(*gone, now);  // its end closes its socket, which takes it out of epoll
}

// Called with no list of ready connections at work, since it closes some.
void DnstapStreams::check_timeouts(const Now& now) {
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
    const char* missing = running                         ? "not a byte"
                          : connection.stream().secured() ? "no START"
                                                          : "TLS's handshake did not end";
    log(now, "{} was closed: {} within {} ms", connection.peer_name(), missing,
        running ? options_.idle_timeout_ms : options_.handshake_timeout_ms);
    close(connection, running ? ConnectionEnd::idle_timeout : ConnectionEnd::handshake_timeout, now);
  }
}

// Nobody new; what senders have sent by now is read, and not what they go on to send.
void DnstapStreams::stop(const Now& now) {
  if (stopped_) return;
  stopped_ = true;
  stopped_ns_ = now.mono_ns;
  waits(true);
  turn_away();
  for (auto& connection : connections_) {
    // On a UNIX socket this makes the sender's next write fail at once, and what is in the socket stays
    // readable.
    if (!connection->peer().addr.present()) (void)shutdown(connection->fd(), SHUT_RD);
    // Over TLS a bound, and what came after may be among it: it is read until nothing comes.
    connection->drain_left = bytes_waiting(connection->fd()) + connection->stream().held_bytes();
  }
}

Poll DnstapStreams::drain(const Now& now, FrameWriter& writer) {
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

void DnstapStreams::abandon() {
  if (current_ != nullptr) {
    const uint64_t frames = current_->give_up(rest_);
    counters_.units.add(frames);
    counters_.drops.add(Drop::ingest_shutdown, frames);
    current_ = nullptr;
    rest_ = {};
  }
  turn_away();
  while (!connections_.empty()) close(*connections_.back(), ConnectionEnd::stopped, read_clock());
}

}  // namespace weir
