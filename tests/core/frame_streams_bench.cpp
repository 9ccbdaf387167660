// Frames a second: framing alone, and framing with the copy into a batch, 200-byte frames as a resolver sends
// them, in reads of 256 KiB. The copy alone is the calibration.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/net/control_frame.h"
#include "core/net/frame_streams.h"

namespace weir {
namespace {

constexpr size_t kRead = 256U << 10U;
constexpr size_t kPayload = 200;

std::vector<uint8_t> frames() {
  std::vector<uint8_t> bytes;
  while (bytes.size() + 4 + kPayload <= kRead) {
    bytes.insert(bytes.end(), {0, 0, 0, kPayload});
    bytes.insert(bytes.end(), kPayload, static_cast<uint8_t>(bytes.size()));
  }
  return bytes;
}

FrameStreams started() {
  FrameStreams streams(1U << 20U);
  const auto start = encode_control(ControlType::start);
  std::span<const uint8_t> rest(start);
  (void)streams.next(rest);
  return streams;
}

template <bool kCopy>
void deframe(benchmark::State& state) {
  const auto bytes = frames();
  std::vector<uint8_t> out(kRead + (64U << 10U));
  FrameStreams streams = started();
  int64_t count = 0;
  for (auto _ : state) {
    std::span<const uint8_t> rest(bytes);
    uint8_t* to = out.data();
    while (streams.next(rest) == FrameStreams::Step::frame) {
      const auto frame = streams.frame();
      if (kCopy) {
        std::memcpy(to, frame.data(), frame.size());
        to += (frame.size() + 7) & ~size_t{7};
      }
      benchmark::DoNotOptimize(frame.data());
      ++count;
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(deframe<false>)->Name("frame_streams");
BENCHMARK(deframe<true>)->Name("frame_streams_and_copy");

void copy_only(benchmark::State& state) {
  const auto bytes = frames();
  std::vector<uint8_t> out(kRead);
  for (auto _ : state) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(bytes.size() / (kPayload + 4)));
}
BENCHMARK(copy_only)->Name("frame_streams_copy_alone");

}  // namespace
}  // namespace weir
