// The walk over dnstap payloads of real servers, and libprotobuf reading the same ones: the ratio is what
// counts. Ours also walks the DNS message that is in each.
#include "decoder/dnstap.h"

#include <benchmark/benchmark.h>

#include "core/dnstap.pb.h"
#include "tests/fstrm_payloads.h"

namespace weir {
namespace {

const std::vector<std::vector<uint8_t>>& payloads() {
  static const auto kPayloads = fstrm_payloads(test_data("dnstap/unbound-unix.fstrm"));
  return kPayloads;
}

void walk(benchmark::State& state) {
  size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    Event event;
    benchmark::DoNotOptimize(walk_dnstap(payloads()[i], event));
    benchmark::DoNotOptimize(event);
    i = i + 1 == payloads().size() ? 0 : i + 1;
  }
}

void libprotobuf(benchmark::State& state) {
  size_t i = 0;
  dnstap::Dnstap dnstap;  // kept, so that its memory is used again
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(
        dnstap.ParseFromArray(payloads()[i].data(), static_cast<int>(payloads()[i].size())));
    i = i + 1 == payloads().size() ? 0 : i + 1;
  }
}

BENCHMARK(walk);
BENCHMARK(libprotobuf);

}  // namespace
}  // namespace weir
