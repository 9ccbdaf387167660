// A packet through the matcher, query or response, the walk over its DNS message and the writing of the event
// included. The argument: queries that wait at the same time, that is rate × answer time. `walk_only`: the
// part that is not the matcher's.
#include "decoder/matcher.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "decoder/dns_message.h"

namespace weir {
namespace {

class OneEvent final : public EventSink {
 public:
  [[nodiscard]] Room reserve(size_t bytes_len, Event*& event) noexcept override {
    event = new (memory_) Event;
    event->bytes_len = static_cast<uint32_t>(bytes_len);
    return Room::yes;
  }
  void commit() noexcept override { benchmark::DoNotOptimize(memory_); }
  void drop(Drop, uint64_t units) noexcept override { dropped += units; }
  uint64_t dropped = 0;

 private:
  alignas(8) uint8_t memory_[sizeof(Event) + 4'096];
};

constexpr uint64_t kMicrosecond = 1'000;

// Frames back to back like in a batch: queries of many clients, each answered `waiting` queries later.
class Frames {
 public:
  static constexpr size_t kRecord = 256;
  Frames(size_t pairs, size_t waiting) : pairs_(pairs), memory_(2 * pairs * kRecord) {
    size_t at = 0;
    for (size_t i = 0; i < pairs + waiting; ++i) {
      if (i < pairs) put(at++, i, false, i);
      if (i >= waiting) put(at++, i - waiting, true, i);
    }
  }
  [[nodiscard]] size_t size() const { return 2 * pairs_; }
  [[nodiscard]] Frame& at(size_t i) { return *reinterpret_cast<Frame*>(memory_.data() + i * kRecord); }

 private:
  void put(size_t at, size_t pair, bool response, size_t time) {
    Frame frame;
    frame.kind = FrameKind::dns_udp;
    frame.time_ns = time * kMicrosecond;
    const auto number = static_cast<uint32_t>(pair);
    const uint8_t client_addr[4] = {10, static_cast<uint8_t>(number >> 16U),
                                    static_cast<uint8_t>(number >> 8U), static_cast<uint8_t>(number)};
    const uint8_t server_addr[4] = {192, 0, 2, 53};
    const Endpoint client = {IpAddr::v4(client_addr), true, 1'024 + number % 60'000};
    const Endpoint server = {IpAddr::v4(server_addr), true, 53};
    frame.src = response ? server : client;
    frame.dst = response ? client : server;
    std::string wire = {static_cast<char>(number * 7), static_cast<char>(number >> 3U),
                        static_cast<char>(response ? 0x81 : 0x01)};
    using namespace std::string_literals;
    wire += response ? "\x80\0\1\0\1\0\0\0\1"s : "\0\0\1\0\0\0\0\0\1"s;
    wire += "\3www\7example\3com\0\0\1\0\1"s;
    if (response) wire += "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"s;
    wire += "\0\0\x29\4\xd0\0\0\0\0\0\0"s;
    frame.record_len = kRecord;
    frame.payload_len = frame.wire_len = static_cast<uint32_t>(wire.size());
    auto* placed = new (memory_.data() + at * kRecord) Frame(frame);
    std::memcpy(placed->payload_start(), wire.data(), wire.size());
  }

  size_t pairs_;
  std::vector<uint8_t> memory_;
};

constexpr size_t kPairs = 100'000;
static_assert(2 * kPairs % Matcher::kAhead == 0);

bool match_all(Matcher& matcher, std::span<const Frame* const, Matcher::kAhead> frames, bool with_prefetch) {
  bool taken = true;
  if (with_prefetch) {
    const Matcher::Ahead ahead = matcher.look_ahead(frames);
    for (size_t i = 0; i < frames.size(); ++i) taken &= matcher.take(*frames[i], ahead.flow_ids[i]);
  } else {
    for (const Frame* frame : frames) taken &= matcher.take(*frame);
  }
  return taken;
}

// Every round is later than the one before, so that nothing is a copy.
void match(benchmark::State& state, bool with_prefetch) {
  Frames frames(kPairs, static_cast<size_t>(state.range(0)));
  OneEvent sink;
  Matcher matcher({}, sink, 1);
  for ([[maybe_unused]] auto _ : state) {
    for (size_t i = 0; i < frames.size(); i += Matcher::kAhead) {
      const Frame* ahead[Matcher::kAhead];
      for (size_t j = 0; j < Matcher::kAhead; ++j) ahead[j] = &frames.at(i + j);
      if (!match_all(matcher, ahead, with_prefetch)) state.SkipWithError("no room");
    }
    state.PauseTiming();
    for (size_t i = 0; i < frames.size(); ++i) frames.at(i).time_ns += 60'000'000 * kMicrosecond;
    state.ResumeTiming();
  }
  if (sink.dropped != 0) state.SkipWithError("copies");
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(frames.size()));
}

void walk_only(benchmark::State& state) {
  Frames frames(kPairs, 1'000);
  for ([[maybe_unused]] auto _ : state) {
    for (size_t i = 0; i < frames.size(); ++i) {
      DnsMessage message;
      walk_dns_message(frames.at(i).payload(), message);
      benchmark::DoNotOptimize(message);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(frames.size()));
}

BENCHMARK(walk_only);
BENCHMARK_CAPTURE(match, prefetched, true)->Arg(1)->Arg(1'000)->Arg(10'000)->Arg(60'000);
BENCHMARK_CAPTURE(match, one_by_one, false)->Arg(1)->Arg(1'000)->Arg(10'000)->Arg(60'000);

}  // namespace
}  // namespace weir
