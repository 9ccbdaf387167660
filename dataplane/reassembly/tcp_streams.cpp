#include "dataplane/reassembly/tcp_streams.h"

#include <algorithm>

#include "dataplane/reassembly/tcp_streams_state.h"

namespace weir {
namespace {

constexpr uint32_t kMaxPayload = 0xffff;  // of a segment

// A message of any length and a segment of any length behind it fit.
size_t half_blocks(const TcpOptions& options) {
  constexpr size_t kLeast = 2 * SegmentStore::blocks_for(kMessagePrefix + kMaxMessage);
  return std::max(options.stream_memory / SegmentStore::kBlockSize, kLeast);
}
size_t all_blocks(const TcpOptions& options) {
  return std::max(options.memory / SegmentStore::kBlockSize, half_blocks(options));
}

}  // namespace

TcpStreams::State::State(const TcpOptions& given, uint64_t seed)
    : options(given),
      table(std::max(options.streams, 1U), seed),
      store(all_blocks(options)),
      queue(store, units, half_blocks(options)),
      reader(queue, units) {}

bool TcpStreams::State::step() noexcept {
  if (reading.stream != 0) {
    read_on();
  } else if (ending != 0) {
    end_on();
  } else if (stage != Stage::place && sweeps != 0 && clock.now() >= sweep_ns && sweep()) {
    --sweeps;
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

TcpStreams::TcpStreams(const TcpOptions& options, uint64_t seed)
    : state_(std::make_unique<State>(options, seed)) {}
TcpStreams::~TcpStreams() = default;

void TcpStreams::take(const Segment& segment, uint64_t time_ns, DropCounters& drops) noexcept {
  State& state = *state_;
  state.units.count_in(drops);
  state.units.take(segment.units);
  state.clock.advance(time_ns);
  state.time_ns = time_ns;
  state.sweeps = State::kSweeps;
  state.segment = segment;
  const auto bytes = segment.payload.first(std::min<size_t>(segment.payload.size(), kMaxPayload));
  const auto captured = static_cast<uint32_t>(bytes.size());
  state.part = {segment.seq, std::clamp(segment.wire_len, captured, kMaxPayload) - captured, segment.units,
                time_ns, bytes};
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
      "(memory_full) was full. table_full without tcp_evicted drops: a SYN flood, or raise "
      "reassembly.streams; "
      "memory_full: raise reassembly.memory.";
  visitor.counter("weir_tcp_evictions_total", kEvictions, reason("table_full"),
                  number(state.stream_evictions));
  visitor.counter("weir_tcp_evictions_total", kEvictions, reason("memory_full"),
                  number(state.memory_evictions));
}

}  // namespace weir
