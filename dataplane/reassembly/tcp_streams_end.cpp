#include <algorithm>

#include "dataplane/reassembly/tcp_streams_state.h"

namespace weir {
namespace {

constexpr uint64_t kClosedKeptNs = 5'000'000'000;

}  // namespace

// No whole message waits: decides about what is missing. true: something was given up, there may be more.
bool TcpStreams::State::settle(Side side) noexcept {
  TcpStream& stream = table[side.stream];
  HalfStream& half = half_of(side);
  const uint32_t behind = queue.behind_gap(half);
  if (half.has_fin && !half.ended && half.run_end == half.fin_seq && behind == 0) {
    queue.drop_run(half, Drop::tcp_unfinished);
    half.go_to(half.fin_seq + 1);
    half.ended = true;
  }
  const bool acked = half.has_acked && half.acked != half.run_end && half.acked - half.run_end <= kSeqWindow;
  const bool missing = behind != 0 || (half.waits() && acked) || (half.has_fin && !half.ended);
  const bool same_gap = half.gapped && half.gap_seq == half.run_end;
  // Without anything behind it, what was acknowledged may only be late: two ports of a tap are not in step.
  if (missing && ((acked && behind != 0 && !seq_before(half.acked, store[behind].seq)) ||
                  (same_gap && is_due(half.gap_ns, options.gap_timeout_ns)))) {
    give_up_gap(side);
    return true;
  }
  half.gapped = missing;
  if (missing && !same_gap) {
    half.gap_seq = half.run_end;
    half.gap_ns = clock.now();
  }
  update_wait(side.stream, missing && !same_gap);
  const HalfStream& other = stream.halves[1 - side.half];
  if (half.ended && (other.ended || !other.known)) close(side.stream);
  return false;
}

void TcpStreams::State::give_up_gap(Side side) noexcept {
  HalfStream& half = half_of(side);
  gaps.add(1);
  queue.drop_run(half, half.synced ? Drop::tcp_gap : Drop::tcp_not_dns);
  if (half.waits()) {
    queue.jump_gap(half);
  } else if (half.has_fin) {
    half.go_to(half.fin_seq);
  } else if (half.has_acked && half.acked - half.run_end <= kSeqWindow) {
    half.go_to(half.acked);
  }
  half.synced = half.gapped = false;
  reading = side;
}

void TcpStreams::State::update_wait(uint32_t ref, bool anew) noexcept {
  const TcpStream& stream = table[ref];
  const HalfStream* halves = stream.halves;
  StreamWait wait = StreamWait::none;
  if (halves[0].waits() || halves[1].waits()) wait = StreamWait::started;
  if (halves[0].gapped || halves[1].gapped) wait = StreamWait::gapped;
  if (anew || wait != stream.wait) table.wait(ref, wait, clock.now());
}

// Messages that are whole are read, gap by gap; then the stream goes.
void TcpStreams::State::end_on() noexcept {
  for (unsigned i = 0; i < 2; ++i) {
    HalfStream& half = half_of({ending, i});
    half.gapped = false;
    if (!half.waits()) continue;
    const bool last = queue.behind_gap(half) == 0;
    queue.drop_run(half, last ? Drop::tcp_unfinished : half.synced ? Drop::tcp_gap : Drop::tcp_not_dns);
    half.synced = false;
    if (last) continue;
    gaps.add(1);
    queue.jump_gap(half);
    reading = {ending, i};
    return;
  }
  update_wait(ending, false);
  if (end_how == End::remove) {
    table.remove(ending);
  } else {
    close(ending);
  }
  ending = 0;
}

// Precondition: nothing waits.
void TcpStreams::State::close(uint32_t ref) noexcept {
  if (table[ref].kind == StreamKind::bare) {
    table.remove(ref);
  } else {
    table.touch(ref, StreamKind::closed, clock.now());
  }
}

// One thing that is due. false: nothing is.
bool TcpStreams::State::sweep() noexcept {
  uint64_t wait_ns = std::min({kClosedKeptNs, options.gap_timeout_ns, options.idle_timeout_ns});
  const auto due = [&](uint32_t ref, uint64_t since_ns, uint64_t timeout_ns) {
    if (ref == 0) return false;
    if (is_due(since_ns, timeout_ns)) return true;
    wait_ns = std::min(wait_ns, since_ns + timeout_ns - clock.now());
    return false;
  };
  for (const StreamKind kind : {StreamKind::bare, StreamKind::carrying, StreamKind::closed}) {
    const uint32_t ref = table.oldest(kind);
    const uint64_t timeout_ns = kind == StreamKind::closed ? kClosedKeptNs : options.idle_timeout_ns;
    if (!due(ref, table[ref].active_ns, timeout_ns)) continue;
    end_stream(ref, End::remove);
    return true;
  }
  const uint32_t gapped = table.oldest(StreamWait::gapped);
  if (due(gapped, table[gapped].waiting_ns, options.gap_timeout_ns)) {
    for (unsigned i = 0; i < 2; ++i) {
      const HalfStream& half = half_of({gapped, i});
      if (!half.gapped || !is_due(half.gap_ns, options.gap_timeout_ns)) continue;
      give_up_gap({gapped, i});
      return true;
    }
    update_wait(gapped, true);
    return true;
  }
  sweep_ns = clock.now() + wait_ns;
  return false;
}

// Memory for the segment: something at least is given up.
void TcpStreams::State::make_room(SegmentQueue::Added full) noexcept {
  if (full == SegmentQueue::Added::half_full) return give_up_gap(target);
  update_wait(target.stream, false);
  memory_evictions.add(1);
  uint32_t ref = table.oldest(StreamWait::gapped);
  if (ref != 0) return give_up_gap({ref, half_of({ref, 0}).gapped ? 0U : 1U});
  ref = table.oldest(StreamWait::started);
  for (HalfStream& half : table[ref].halves) {
    queue.drop_all(half, Drop::tcp_evicted);
    half.synced = false;
  }
  update_wait(ref, false);
}

void TcpStreams::State::evict(uint32_t ref) noexcept {
  if (table[ref].kind != StreamKind::closed) stream_evictions.add(1);
  for (HalfStream& half : table[ref].halves) queue.drop_all(half, Drop::tcp_evicted);
  table.remove(ref);
}

}  // namespace weir
