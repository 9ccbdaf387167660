// The walk over one message, and ldns reading the same one beside it: the ratio is what counts.
#include "decoder/dns_message.h"

#include <benchmark/benchmark.h>

#include "tests/dns_samples.h"
#include "tests/ldns_oracle.h"

namespace weir {
namespace {

DnsSample sample_query() { return DnsSample(kSampleName, 1).opt(); }

DnsSample sample_ptr() {
  DnsSample sample("b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", 12);
  return sample.answer(12, 12, DnsSample::wire_name("host.example.net")).opt();
}

void walk(benchmark::State& state, const DnsSample& sample) {
  for (auto _ : state) {
    DnsMessage message;
    walk_dns_message(sample.wire(), message);
    benchmark::DoNotOptimize(message);
  }
  state.SetLabel(std::to_string(sample.wire().size()) + " bytes");
}

void ldns(benchmark::State& state, const DnsSample& sample) {
  for (auto _ : state) benchmark::DoNotOptimize(ldns_read(sample.wire()));
}

BENCHMARK_CAPTURE(walk, query, sample_query());
BENCHMARK_CAPTURE(walk, response, sample_response());
BENCHMARK_CAPTURE(walk, ptr_ip6, sample_ptr());
BENCHMARK_CAPTURE(ldns, query, sample_query());
BENCHMARK_CAPTURE(ldns, response, sample_response());
BENCHMARK_CAPTURE(ldns, ptr_ip6, sample_ptr());

}  // namespace
}  // namespace weir
