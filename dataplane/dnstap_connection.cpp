#include "dataplane/dnstap_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include "core/net/listen_socket.h"
#include "core/peer_names.h"

namespace weir {
namespace {

// Up to here the buffer for held bytes stays with an idle connection.
constexpr size_t kKeptCapacity = 4096;

// A sender whose machine vanished says nothing for ever; with these it is gone after two minutes.
void set_keepalive(int fd) {
  const int on = 1;
  const int idle_s = 60;
  const int interval_s = 10;
  const int probes = 6;
  (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

// The number of a connection.
uint32_t next_number() noexcept {
  static std::atomic<uint32_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

StreamOrigin origin_of(int fd) {
  StreamOrigin from{.peer = peer_endpoint(fd), .stream = {.sequence = 1, .connection = next_number()}};
  if (from.peer.addr.present()) return from;
  if (const auto sender = peer_credentials(fd)) {
    from.stream.pid = sender->pid;
    from.stream.uid = sender->uid;
    from.stream.has_credentials = true;
  }
  return from;
}

}  // namespace

DnstapConnection::DnstapConnection(ByteStream stream, uint32_t frame_limit, uint64_t mono_ns)
    : stream_(std::move(stream)),
      from_(origin_of(fd())),
      peer_name_(weir::peer_name(fd(), from_.peer)),
      streams_(frame_limit),
      waiting_since_ns_(mono_ns),
      last_byte_ns_(mono_ns) {
  if (from_.peer.addr.present()) set_keepalive(fd());
}

void DnstapConnection::note_peer_name() { from_.stream.name = PeerNames::number_of(stream_.peer_subject()); }

DnstapConnection::Taken DnstapConnection::take(std::span<const uint8_t>& bytes, const Now& now,
                                               DnstapIntake& intake, FrameWriter& writer,
                                               InputCounters& counters) {
  last_byte_ns_ = now.mono_ns;
  for (;;) {
    // A frame that began in an earlier read is put together first; all others stay where they were read to.
    if (!held_.empty()) hold(bytes, std::min(bytes.size(), missing()));
    const bool from_held = !held_.empty();
    std::span<const uint8_t> rest = from_held ? std::span<const uint8_t>(held_) : bytes;
    const FrameStreams::Step step = streams_.next(rest);
    switch (step) {
      case FrameStreams::Step::frame:
        if (!intake.take(streams_.frame(), from_, now, writer, counters)) return Taken::no_room;
        count_frame();
        break;
      case FrameStreams::Step::more:
        if (bytes.empty()) return Taken::all;
        if (!from_held) {
          bytes = rest;
          if (!bytes.empty()) hold(bytes, bytes.size());
          return Taken::all;
        }
        continue;  // the header is whole now, and says how much more is missing
      case FrameStreams::Step::fault:
        return Taken::fault;
      case FrameStreams::Step::too_long:
        ++too_long_;
        count_frame();
        counters.units.add(1);
        counters.drops.add(Drop::frame_too_long, 1);
        break;
      case FrameStreams::Step::reply:  // START is due, perhaps of a second session
      case FrameStreams::Step::end:
        waiting_since_ns_ = now.mono_ns;
        reply();
        break;
      case FrameStreams::Step::odd:
        ++odd_;
        break;
      case FrameStreams::Step::start:
        break;
    }
    if (from_held)
      release();  // need() is exact: a step from there leaves nothing
    else
      bytes = rest;
  }
}

void DnstapConnection::count_frame() noexcept {
  ++from_.stream.sequence;
  if (place) place->frames.add(1);
}

void DnstapConnection::hold(std::span<const uint8_t>& bytes, size_t n) {
  // Memory follows what came, not what a length announces, and never passes the frame's end.
  const size_t size = held_.size() + n;
  if (size > held_.capacity()) {
    const size_t goal = std::max(streams_.need(), size);
    held_.reserve(std::min(goal, std::max(size, 2 * held_.capacity())));
  }
  held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
  bytes = bytes.subspan(n);
}

void DnstapConnection::release() noexcept {
  if (held_.capacity() > kKeptCapacity)
    std::vector<uint8_t>().swap(held_);
  else
    held_.clear();
}

// A sender that does not take 42 bytes is not waited for: it runs into the handshake time-out, its own or
// ours.
void DnstapConnection::reply() {
  if (const auto bytes = streams_.reply(); !bytes.empty()) (void)stream_.write(bytes);
}

uint64_t DnstapConnection::give_up(std::span<const uint8_t> rest) {
  std::vector<uint8_t> all(held_);
  all.insert(all.end(), rest.begin(), rest.end());
  std::span<const uint8_t> left(all);
  uint64_t frames = 0;
  for (;;) {
    const FrameStreams::Step step = streams_.next(left);
    if (step == FrameStreams::Step::more || step == FrameStreams::Step::fault) break;
    if (step == FrameStreams::Step::frame) ++frames;
  }
  held_.assign(left.begin(), left.end());
  return frames;
}

}  // namespace weir
