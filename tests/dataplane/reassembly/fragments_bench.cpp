// A datagram from its fragments, a flood of fragments that never complete, and a copy of the datagram's bytes
// beside them: the ratio is what counts.
#include "dataplane/reassembly/fragments.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace weir {
namespace {

constexpr size_t kDatagram = 3000;
constexpr size_t kPart = 1480;

std::optional<Drop> all(const void* /*context*/, uint8_t /*protocol*/,
                        std::span<const uint8_t> /*head*/) noexcept {
  return std::nullopt;
}

Fragment fragment(const std::vector<uint8_t>& datagram, size_t offset, size_t len, uint32_t id) {
  constexpr uint8_t kAddr[4] = {192, 0, 2, 1};
  Fragment part;
  part.src = part.dst = IpAddr::v4(kAddr);
  part.id = id;
  part.protocol = 17;
  part.more = offset + len < datagram.size();
  part.offset = static_cast<uint16_t>(offset);
  part.payload = {datagram.data() + offset, len};
  part.wire_len = static_cast<uint32_t>(len);
  return part;
}

// Three fragments; each datagram has its own id.
void whole(benchmark::State& state) {
  const std::vector<uint8_t> datagram(kDatagram, 'm');
  Fragments fragments({}, all, nullptr, 1);
  DropCounters drops;
  WholeDatagram out;
  uint32_t id = 0;
  for (auto _ : state) {
    ++id;
    for (size_t at = 0; at < kDatagram; at += kPart) {
      bool done = fragments.take(fragment(datagram, at, std::min(kPart, kDatagram - at), id), id, drops, out);
      benchmark::DoNotOptimize(done);
    }
  }
  if (drops.total(StageKind::ingest) != 0) state.SkipWithError("fragments were dropped");
}

// Fragments of `len` bytes; each is its datagram's only one, so that each gives up the oldest.
void flood(benchmark::State& state) {
  const auto len = static_cast<size_t>(state.range(0));
  const std::vector<uint8_t> datagram(kDatagram, 'm');
  Fragments fragments({}, all, nullptr, 1);
  DropCounters drops;
  WholeDatagram out;
  uint32_t id = 0;
  for (auto _ : state) {
    ++id;
    bool done = fragments.take(fragment(datagram, 8, len, id), id, drops, out);
    benchmark::DoNotOptimize(done);
  }
}

// The most fragments of one datagram, each of which walks past all that are there.
void worst_order(benchmark::State& state) {
  const std::vector<uint8_t> datagram(kDatagram, 'm');
  Fragments fragments({}, all, nullptr, 1);
  DropCounters drops;
  WholeDatagram out;
  uint32_t id = 0;
  for (auto _ : state) {
    ++id;
    for (size_t i = 0; i < 128; ++i) {
      // The last place first, then in order before it.
      const size_t at = i == 0 ? 130 : i;
      bool done = fragments.take(fragment(datagram, at * 8, 8, id), id, drops, out);
      benchmark::DoNotOptimize(done);
    }
  }
  state.SetItemsProcessed(state.iterations() * 128);
}

void copy(benchmark::State& state) {
  const std::vector<uint8_t> from(kDatagram, 'm');
  std::vector<uint8_t> to(kDatagram);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
}

BENCHMARK(whole);
BENCHMARK(flood)->Arg(8)->Arg(1480);
BENCHMARK(worst_order);
BENCHMARK(copy);

}  // namespace
}  // namespace weir
