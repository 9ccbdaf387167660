// From a TCP segment to its DNS messages, and a copy of the segment's bytes beside it: the ratio is what
// counts.
#include "dataplane/reassembly/tcp_streams.h"

#include <benchmark/benchmark.h>

#include "tests/dataplane/reassembly/tcp_tap.h"

namespace weir::tcp {
namespace {

class Sender {
 public:
  explicit Sender(size_t streams) : next_(streams, 1) {}

  // The next bytes of the stream; both ends get a number of their own.
  void send(size_t stream, std::string_view payload, uint8_t flags = kAck) {
    const auto port = static_cast<uint32_t>(stream % 50'000);
    Segment segment{endpoint(static_cast<uint8_t>(stream / 50'000), port),
                    endpoint(53, 53),
                    0,
                    0,
                    0,
                    flags,
                    {},
                    static_cast<uint32_t>(payload.size())};
    segment.seq = next_[stream];
    segment.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
    next_[stream] += segment.wire_len;
    streams_.take(segment, time_ns_ += 1000, drops_);
    while (const StreamMessage* message = streams_.front()) {
      benchmark::DoNotOptimize(message->bytes.data());
      streams_.pop();
    }
  }

 private:
  TcpStreams streams_{{}, 1};
  DropCounters drops_;
  std::vector<uint32_t> next_;
  uint64_t time_ns_ = 1;
};

// One message a segment, in turn of so many connections.
void whole(benchmark::State& state) {
  const auto streams = static_cast<size_t>(state.range(0));
  const std::string payload = framed(query(90, 'm'));
  Sender sender(streams);
  size_t stream = 0;
  for (auto _ : state) {
    sender.send(stream, payload);
    stream = (stream + 7919) % streams;
  }
}

// A message in two segments: the time is of both.
void halved(benchmark::State& state) {
  const std::string payload = framed(query(90, 'm'));
  Sender sender(1);
  for (auto _ : state) {
    sender.send(0, payload.substr(0, 50));
    sender.send(0, payload.substr(50));
  }
}

// A zone transfer: messages of 16 KiB in segments of 1460 bytes; the time is of a segment.
void transfer(benchmark::State& state) {
  const std::string bytes = framed(query(16'384, 'z'));
  Sender sender(1);
  size_t at = 0;
  for (auto _ : state) {
    const std::string_view payload = std::string_view(bytes).substr(at, 1460);
    sender.send(0, payload);
    at = (at + payload.size()) % bytes.size();
  }
}

void no_data(benchmark::State& state) {
  Sender sender(1);
  sender.send(0, framed(query(90, 'm')));
  for (auto _ : state) sender.send(0, {});
}

// Bytes in which nothing is found, of connections without a start.
void not_dns(benchmark::State& state) {
  const std::string payload(1460, '\x17');
  Sender sender(1);
  for (auto _ : state) sender.send(0, payload);
}

void copy(benchmark::State& state) {
  const std::string payload = framed(query(90, 'm'));
  std::string to(payload.size(), '\0');
  for (auto _ : state) {
    std::memcpy(to.data(), payload.data(), payload.size());
    benchmark::ClobberMemory();
  }
}

BENCHMARK(whole)->Arg(1)->Arg(100)->Arg(50'000);
BENCHMARK(halved);
BENCHMARK(transfer);
BENCHMARK(no_data);
BENCHMARK(not_dns);
BENCHMARK(copy);

}  // namespace
}  // namespace weir::tcp
