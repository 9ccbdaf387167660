#include <algorithm>
#include <utility>

#include "dataplane/reassembly/tcp_streams_state.h"

namespace weir {
namespace {

constexpr uint8_t kFin = 1;
constexpr uint8_t kSyn = 2;
constexpr uint8_t kRst = 4;
constexpr uint8_t kAck = 16;

}  // namespace

void TcpStreams::State::look_up() noexcept {
  const uint32_t hash = table.hash(segment.src, segment.dst);
  uint32_t ref = table.find(segment.src, segment.dst, hash);
  const bool syn = (segment.flags & (kSyn | kRst)) == kSyn;
  if (ref == 0 && (syn || (part.len() != 0 && (segment.flags & kRst) == 0))) ref = create(hash);
  if (ref == 0) return finish(Drop::tcp_no_data);
  TcpStream& stream = table[ref];
  target = {ref,
            stream.ends[0].port == segment.src.port && stream.ends[0].addr == segment.src.addr ? 0U : 1U};
  if ((segment.flags & kRst) != 0) return take_rst(target);
  if (syn && !take_syn(target)) return;
  if (part.len() == 0 && stream.kind != StreamKind::closed) table.touch(ref, stream.kind, clock.now());
  take_ack(target);
  take_data(target);
}

// A direction without a number yet accepts any: nothing can be made of it but an end that data takes back.
void TcpStreams::State::take_rst(Side side) noexcept {
  const HalfStream& half = half_of(side);
  const bool plausible = !half.known || segment.seq - half.run_end <= kSeqWindow;
  if (plausible && table[side.stream].kind != StreamKind::closed) end_stream(side.stream, End::close);
  finish(Drop::tcp_no_data);
}

// false: the segment goes no further for now.
bool TcpStreams::State::take_syn(Side side) noexcept {
  TcpStream& stream = table[side.stream];
  HalfStream& half = half_of(side);
  const uint32_t first = segment.seq + 1;  // the SYN has a number of its own
  const bool again =
      half.known && (half.has_isn ? half.isn == segment.seq : half.read_seq - first <= kSeqWindow);  // late
  if (half.known && !again) {
    if (first - half.run_end > kSeqWindow && in_progress(stream)) {
      half.far_seq = first;
      finish(Drop::tcp_no_data);
    } else {
      end_stream(side.stream, End::remove);
    }
    return false;
  }
  if (!half.known) half.start(first, true);
  half.isn = segment.seq;
  half.has_isn = true;
  if ((segment.flags & kAck) != 0) {
    stream.has_syn_ack = true;
  } else if (!stream.has_syn) {
    stream.has_syn = true;
    stream.client = static_cast<uint8_t>(side.half);
    stream.syn_ns = time_ns;
  }
  part.seq = first;
  return true;
}

void TcpStreams::State::take_ack(Side side) noexcept {
  if ((segment.flags & kAck) == 0) return;
  TcpStream& stream = table[side.stream];
  if (stream.has_syn && stream.has_syn_ack && !stream.has_setup && side.half == stream.client &&
      (segment.flags & kSyn) == 0 && time_ns >= stream.syn_ns) {
    stream.has_setup = true;
    stream.setup_ns = time_ns - stream.syn_ns;
  }
  const Side other = {side.stream, 1 - side.half};
  HalfStream& half = half_of(other);
  if (!half.known || segment.ack - half.read_seq > kSeqWindow) return;
  if (half.has_acked && !seq_before(half.acked, half.read_seq) && !seq_before(half.acked, segment.ack))
    return;
  half.acked = segment.ack;
  half.has_acked = true;
  if (half.waits() && half.acked != half.run_end) reading = other;
}

void TcpStreams::State::take_fin(HalfStream& half) noexcept {
  if (!half.known) half.start(part.seq, false);
  const uint32_t seq = part.end();
  if (half.ended || seq - half.run_end > kSeqWindow) return;
  if (half.waits() && seq_before(seq, store[half.last].end())) return;
  half.has_fin = true;
  half.fin_seq = seq;
}

void TcpStreams::State::take_data(Side side) noexcept {
  TcpStream& stream = table[side.stream];
  HalfStream& half = half_of(side);
  const bool fin = (segment.flags & kFin) != 0;
  if (part.len() != 0) {
    const bool far = half.known && part.seq - half.run_end + kSeqWindow > 2 * kSeqWindow;
    if (far && in_progress(stream) && part.seq != std::exchange(half.far_seq, part.end()))
      return finish(Drop::tcp_not_dns);
    const bool seen = half.known && !far && !seq_before(half.read_seq, part.end());
    if (seen && stream.kind == StreamKind::closed) return finish(Drop::tcp_duplicate);
    table.touch(side.stream, StreamKind::carrying, clock.now());
    if (!half.known) {
      half.start_late(part.seq, clock.now());
    } else if (far) {
      queue.drop_all(half, half.synced ? Drop::tcp_gap : Drop::tcp_not_dns);
      half.start(part.seq, false);
    } else if (half.may_begin_at(part.seq) && !is_due(half.begin_ns, kOutOfOrderNs)) {
      half.begin_at(part.seq);
    } else if (half.ended && !seen) {
      half.start(half.read_seq, false);
    } else if (half.has_fin && seq_before(half.fin_seq, part.end())) {
      half.has_fin = half.ended;  // not the end, then
    }
  }
  if (fin) take_fin(half);
  if (part.len() == 0 && !fin) return finish(Drop::tcp_no_data);
  nothing_new = part.len() == 0 ? Drop::tcp_no_data : Drop::tcp_duplicate;
  stage = Stage::place;
}

void TcpStreams::State::place() noexcept {
  HalfStream& half = half_of(target);
  if (seq_before(part.seq, half.read_seq)) part.skip(std::min(half.read_seq - part.seq, part.len()));
  if (part.len() != 0 && !half.waits() && part.seq == half.read_seq) {
    MessageReader::Message read;
    if (reader.read_in_place(half, part, read)) return emit(target, read);
  }
  const SegmentQueue::Added added = queue.add(half, part);
  if (added != SegmentQueue::Added::all) return make_room(added);
  finish(nothing_new);  // if its unit is still with it
  if (half.waits() || half.has_fin || table[target.stream].wait != StreamWait::none) reading = target;
}

uint32_t TcpStreams::State::create(uint32_t hash) noexcept {
  // A SYN takes no place from a connection that carried data: there are floods of SYNs.
  for (const StreamKind kind : {StreamKind::closed, StreamKind::bare, StreamKind::carrying}) {
    if (!table.full()) break;
    if (kind == StreamKind::carrying && part.len() == 0) return 0;
    if (table.oldest(kind) != 0) evict(table.oldest(kind));
  }
  const uint32_t ref = table.insert(segment.src, segment.dst, hash);
  table[ref].flow = segment.flow;
  table.touch(ref, StreamKind::bare, clock.now());
  return ref;
}

}  // namespace weir
