// Text of names and RDATA, and ldns's of the same bytes beside it: the ratio is what counts.
#include <benchmark/benchmark.h>

#include "core/dns/name.h"
#include "core/dns/rdata_text.h"
#include "tests/dns_samples.h"
#include "tests/ldns_oracle.h"

namespace weir {
namespace {

DnsSample named(std::string_view name) { return DnsSample(name, 1).opt(); }

constexpr std::string_view kReverse = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
constexpr std::string_view kService = "_sip\\ x._tcp.example.com";  // has bytes to escape

void name(benchmark::State& state, const DnsSample& sample) {
  char room[kNameTextRoom];
  for (auto _ : state) {
    TextWriter writer{.out = room};
    benchmark::DoNotOptimize(write_name(writer, sample.wire(), 12));
    benchmark::ClobberMemory();
  }
}
void name_ldns(benchmark::State& state, const DnsSample& sample) {
  for (auto _ : state) benchmark::DoNotOptimize(ldns_name_text(sample.wire(), 12));
}
BENCHMARK_CAPTURE(name, of_28, named(kSampleName));
BENCHMARK_CAPTURE(name, ip6_arpa, named(kReverse));
BENCHMARK_CAPTURE(name, escapes, named(kService));
BENCHMARK_CAPTURE(name_ldns, of_28, named(kSampleName));

struct Rdata {
  uint16_t type;
  std::string bytes;
};

void rdata(benchmark::State& state, const Rdata& rdata) {
  DnsSample sample(kSampleName, rdata.type);
  sample.answer(12, rdata.type, rdata.bytes).opt();
  char room[16384];
  size_t len = 0;
  for (auto _ : state) {
    TextWriter writer{.out = room};
    benchmark::DoNotOptimize(write_rdata(writer, sizeof room, rdata.type, sample.wire(), sample.last_rdata(),
                                         static_cast<uint16_t>(rdata.bytes.size())));
    benchmark::ClobberMemory();
    len = static_cast<size_t>(writer.out - room);
  }
  state.SetLabel(std::string(room, len).substr(0, 60));
}
void rdata_ldns(benchmark::State& state, const Rdata& rdata) {
  DnsSample sample(kSampleName, rdata.type);
  sample.answer(12, rdata.type, rdata.bytes).opt();
  for (auto _ : state) {
    benchmark::DoNotOptimize(ldns_rdata_text(sample.wire(), rdata.type, sample.last_rdata(),
                                             static_cast<uint16_t>(rdata.bytes.size())));
  }
}

using namespace std::string_literals;

Rdata a() { return {1, "\xc6\x12\x07\x64"s}; }
Rdata aaaa() { return {28, "\x20\x01\x0d\xb8\0\x07\0\0\0\0\0\0\0\0\x12\x34"s}; }
Rdata cname() { return {5, DnsSample::wire_name("edge7.fra.example.net")}; }
Rdata soa() {
  return {6, DnsSample::wire_name("ns1.example.net") + DnsSample::wire_name("hostmaster.example.net") +
                 "\x78\xc2\x75\xf4\0\0\x0e\x10\0\0\x03\x84\0\x12\x75\0\0\0\0\x3c"s};
}
Rdata txt() { return {16, "\x2cv=spf1 ip4:198.18.0.0/15 include:_spf.lab -x"s}; }
Rdata https() {
  return {
      65,
      "\0\1\0\0\1\0\6\2h3\2h2\0\4\0\x08\xc6\x12\7\x64\xc6\x12\7\x65\0\6\0\x10\x20\x01\x0d\xb8\0\7\0\0\0\0\0\0\0\0\x12\x34"s};
}
Rdata rrsig() {
  return {46, "\0\1\x0d\3\0\0\1\x2c\x67\0\0\0\x66\0\0\0\x12\x34"s + DnsSample::wire_name("example.com") +
                  std::string(64, '\x5a')};
}
Rdata nsec() { return {47, DnsSample::wire_name("a.example.com") + "\0\6\x40\1\0\0\0\3"s}; }
Rdata ds() { return {43, "\x12\x34\x0d\2"s + std::string(32, '\x5a')}; }
Rdata cert() { return {37, "\0\1\0\2\5"s + std::string(64, '\x5a')}; }
Rdata unknown() { return {4711, std::string(64, '\x5a')}; }

BENCHMARK_CAPTURE(rdata, a, a());
BENCHMARK_CAPTURE(rdata, aaaa, aaaa());
BENCHMARK_CAPTURE(rdata, cname, cname());
BENCHMARK_CAPTURE(rdata, soa, soa());
BENCHMARK_CAPTURE(rdata, txt, txt());
BENCHMARK_CAPTURE(rdata, https, https());
BENCHMARK_CAPTURE(rdata, rrsig, rrsig());
BENCHMARK_CAPTURE(rdata, nsec, nsec());
BENCHMARK_CAPTURE(rdata, ds, ds());
BENCHMARK_CAPTURE(rdata, cert_by_ldns, cert());
BENCHMARK_CAPTURE(rdata, unknown, unknown());
BENCHMARK_CAPTURE(rdata_ldns, a, a());
BENCHMARK_CAPTURE(rdata_ldns, aaaa, aaaa());
BENCHMARK_CAPTURE(rdata_ldns, cname, cname());
BENCHMARK_CAPTURE(rdata_ldns, soa, soa());
BENCHMARK_CAPTURE(rdata_ldns, txt, txt());
BENCHMARK_CAPTURE(rdata_ldns, https, https());
BENCHMARK_CAPTURE(rdata_ldns, rrsig, rrsig());
BENCHMARK_CAPTURE(rdata_ldns, nsec, nsec());
BENCHMARK_CAPTURE(rdata_ldns, ds, ds());

}  // namespace
}  // namespace weir
