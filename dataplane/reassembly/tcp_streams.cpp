#include "dataplane/reassembly/tcp_streams.h"

#include <algorithm>

#include "dataplane/reassembly/message_reader.h"
#include "dataplane/reassembly/message_scan.h"
#include "dataplane/reassembly/stream_clock.h"
#include "dataplane/reassembly/tcp_stream_table.h"

namespace weir {
namespace {

constexpr uint8_t kFin = 1;
constexpr uint8_t kSyn = 2;
constexpr uint8_t kRst = 4;
constexpr uint8_t kAck = 16;

constexpr uint32_t kMaxPayload = 0xffff;  // of a segment
constexpr uint64_t kClosedKeptNs = 5'000'000'000;

// A message of any length and a segment of any length behind it fit.
size_t half_blocks(const TcpOptions& options) {
  constexpr size_t kLeast = 2 * SegmentStore::blocks_for(kMessagePrefix + kMaxMessage);
  return std::max(options.stream_memory / SegmentStore::kBlockSize, kLeast);
}
size_t all_blocks(const TcpOptions& options) {
  return std::max(options.memory / SegmentStore::kBlockSize, half_blocks(options));
}

}  // namespace

struct TcpStreams::State {
  State(const TcpOptions& given, uint64_t seed)
      : options(given),
        table(std::max(options.streams, 1U), seed),
        store(all_blocks(options)),
        queue(store, units, half_blocks(options)),
        reader(queue, units) {}

  // One direction of a stream. stream 0: none.
  struct Side {
    uint32_t stream = 0;
    unsigned half = 0;
  };
  enum class End : uint8_t { close, remove };
  enum class Stage : uint8_t { idle, look_up, place };

  void advance() noexcept {
    has_message = false;
    while (!has_message && step()) {
    }
    used.set(table.used());
    blocks.set(store.used());
  }
  bool step() noexcept;

  void read_on() noexcept;
  [[nodiscard]] bool settle(Side side) noexcept;
  void emit(Side side, const MessageReader::Message& read) noexcept;

  void end_stream(uint32_t ref, End how) noexcept {
    ending = ref;
    end_how = how;
  }
  void end_on() noexcept;
  void close(uint32_t ref) noexcept;
  [[nodiscard]] bool sweep() noexcept;

  void look_up() noexcept;
  [[nodiscard]] bool take_syn(Side side) noexcept;
  void take_rst(Side side) noexcept;
  void take_ack(Side side) noexcept;
  void take_fin(HalfStream& half) noexcept;
  void take_data(Side side) noexcept;
  void place() noexcept;
  void finish(Drop reason) noexcept {
    units.end(reason, part.units);
    stage = Stage::idle;
  }

  [[nodiscard]] uint32_t create(uint32_t hash) noexcept;
  void evict(uint32_t ref) noexcept;
  void make_room(SegmentQueue::Added full) noexcept;
  void give_up_gap(Side side) noexcept;
  void update_wait(uint32_t ref, bool anew) noexcept;

  HalfStream& half_of(Side side) noexcept { return table[side.stream].halves[side.half]; }
  [[nodiscard]] bool is_due(uint64_t since_ns, uint64_t timeout_ns) const noexcept {
    return clock.now() - since_ns >= timeout_ns;
  }
  // Numbers far from the expected ones do not end what is in progress: they are easily forged.
  [[nodiscard]] bool in_progress(const TcpStream& stream) const noexcept {
    return stream.wait != StreamWait::none && !is_due(stream.active_ns, options.gap_timeout_ns);
  }

  TcpOptions options;
  StreamClock clock;
  StreamUnits units;
  TcpStreamTable table;
  SegmentStore store;
  SegmentQueue queue;
  MessageReader reader;

  // What is to be done before the next segment is taken: messages are read one at a time.
  StreamMessage message;
  bool has_message = false;
  Side reading;         // may have whole messages
  uint32_t ending = 0;  // stream that is over
  End end_how = End::close;
  Stage stage = Stage::idle;  // of the segment
  Segment segment;
  uint64_t time_ns = 0;
  Side target;                           // of the segment
  StreamPart part;                       // of the segment, what is left to do
  Drop nothing_new = Drop::tcp_no_data;  // its end if all of it was seen

  uint64_t sweep_ns = 0;  // nothing is due before
  Counter used;           // of the table and of the store, for other threads
  Counter blocks;
  Counter gaps;
  Counter messages;
  Counter stream_evictions;
  Counter memory_evictions;
};

bool TcpStreams::State::step() noexcept {
  if (reading.stream != 0) {
    read_on();
  } else if (ending != 0) {
    end_on();
  } else if (stage != Stage::place && clock.now() >= sweep_ns && sweep()) {
    return true;
  } else if (stage == Stage::look_up) {
    look_up();
  } else if (stage == Stage::place) {
    place();
  } else {
    return false;
  }
  return true;
}

void TcpStreams::State::emit(Side side, const MessageReader::Message& read) noexcept {
  const TcpStream& stream = table[side.stream];
  message = {stream.ends[side.half],
             stream.ends[1 - side.half],
             stream.flow,
             read.bytes,
             read.wire_len,
             read.units,
             read.time_ns,
             stream.setup_ns,
             stream.has_setup};
  has_message = true;
  messages.add(1);
}

void TcpStreams::State::read_on() noexcept {
  MessageReader::Message read;
  if (reader.read(half_of(reading), read)) {
    emit(reading, read);
  } else if (ending != 0 || !settle(reading)) {
    reading.stream = 0;
  }
}

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
    if (far && in_progress(stream)) return finish(Drop::tcp_not_dns);
    const bool seen = half.known && !far && !seq_before(half.read_seq, part.end());
    if (seen && stream.kind == StreamKind::closed) return finish(Drop::tcp_duplicate);
    table.touch(side.stream, StreamKind::carrying, clock.now());
    if (!half.known) {
      half.start(part.seq, false);
    } else if (far) {
      queue.drop_all(half, half.synced ? Drop::tcp_gap : Drop::tcp_not_dns);
      half.start(part.seq, false);
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
  if (half.waits() || half.has_fin || half.gapped) reading = target;
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

void TcpStreams::State::evict(uint32_t ref) noexcept {
  if (table[ref].kind != StreamKind::closed) stream_evictions.add(1);
  for (HalfStream& half : table[ref].halves) queue.drop_all(half, Drop::tcp_evicted);
  table.remove(ref);
}

TcpStreams::TcpStreams(const TcpOptions& options, uint64_t seed)
    : state_(std::make_unique<State>(options, seed)) {}
TcpStreams::~TcpStreams() = default;

void TcpStreams::take(const Segment& segment, uint64_t time_ns, DropCounters& drops) noexcept {
  State& state = *state_;
  state.units.count_in(drops);
  state.units.take(1);
  state.clock.pass_to(time_ns);
  state.time_ns = time_ns;
  state.segment = segment;
  const auto bytes = segment.payload.first(std::min<size_t>(segment.payload.size(), kMaxPayload));
  const auto captured = static_cast<uint32_t>(bytes.size());
  state.part = {segment.seq, std::clamp(segment.wire_len, captured, kMaxPayload) - captured, 1, time_ns,
                bytes};
  state.stage = State::Stage::look_up;
  state.advance();
}

const StreamMessage* TcpStreams::front() noexcept { return state_->has_message ? &state_->message : nullptr; }

void TcpStreams::pop() noexcept {
  state_->units.leave(state_->message.units);
  state_->advance();
}

bool TcpStreams::flush(DropCounters& drops) noexcept {
  State& state = *state_;
  state.units.count_in(drops);
  for (;;) {
    state.advance();
    if (state.has_message) return true;
    uint32_t ref = 0;
    for (const StreamKind kind : {StreamKind::closed, StreamKind::bare, StreamKind::carrying})
      if (ref == 0) ref = state.table.oldest(kind);
    if (ref == 0) return false;
    state.end_stream(ref, State::End::remove);
  }
}

uint64_t TcpStreams::held_units() const noexcept { return state_->units.held(); }

size_t TcpStreams::memory_bytes(const TcpOptions& options) noexcept {
  return TcpStreamTable::memory_bytes(std::max(options.streams, 1U)) +
         (all_blocks(options) + 1) * SegmentStore::kBlockSize + kMessagePrefix + kMaxMessage;
}

void TcpStreams::describe(MetricVisitor& visitor, const Labels& owner) const {
  const State& state = *state_;
  const auto number = [](const Counter& counter) { return static_cast<double>(counter.get()); };
  const auto reason = [&owner](std::string value) {
    Labels labels = owner;
    labels.push_back({"reason", std::move(value)});
    return labels;
  };
  visitor.gauge("weir_tcp_streams", "TCP connections that are remembered.", owner, number(state.used));
  visitor.gauge("weir_tcp_streams_capacity",
                "TCP connections that can be remembered. Near it, those idle longest are given up: raise "
                "reassembly.streams.",
                owner, static_cast<double>(state.table.capacity()));
  visitor.gauge("weir_tcp_memory_bytes", "Memory that segments and unfinished messages take.", owner,
                number(state.blocks) * SegmentStore::kBlockSize);
  visitor.gauge("weir_tcp_memory_capacity_bytes", "Memory for segments and unfinished messages.", owner,
                static_cast<double>(state.store.capacity() * SegmentStore::kBlockSize));
  visitor.counter("weir_tcp_messages_total", "DNS messages that were put together from TCP segments.", owner,
                  number(state.messages));
  visitor.counter("weir_tcp_gaps_total",
                  "Times that missing bytes of a TCP connection were given up. Growing: the mirror or the "
                  "capture loses packets.",
                  owner, number(state.gaps));
  visitor.counter("weir_tcp_resyncs_total",
                  "Times that reading began at a plausible message within a TCP connection: behind a gap, or "
                  "its start was not captured.",
                  owner, static_cast<double>(state.reader.resyncs()));
  constexpr std::string_view kEvictions =
      "TCP connections of which something was given up because the table (reason table_full) or the memory "
      "(memory_full) was full. table_full without tcp_evicted drops: a SYN flood, or raise reassembly.streams; "
      "memory_full: raise reassembly.memory.";
  visitor.counter("weir_tcp_evictions_total", kEvictions, reason("table_full"),
                  number(state.stream_evictions));
  visitor.counter("weir_tcp_evictions_total", kEvictions, reason("memory_full"),
                  number(state.memory_evictions));
}

}  // namespace weir
