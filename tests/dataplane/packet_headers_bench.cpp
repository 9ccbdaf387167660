// From a packet's bytes to the DNS message in it, headers and flow hash, and a copy of the packet beside it:
// the ratio is what counts.
#include "dataplane/packet_headers.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

const std::string kMessage(90, 'm');

Bytes udp4() { return ipv4({}, udp(40000, 53, text(kMessage))); }
Bytes udp6() { return ipv6(17, udp(40000, 53, text(kMessage))); }

void headers(benchmark::State& state, const Bytes& bytes) {
  const HeaderOptions options{.ports = DnsPorts({53})};
  for (auto _ : state) {
    const Packet packet{bytes, static_cast<uint32_t>(bytes.size()), LinkType::ethernet};
    Carried carried;
    auto drop = walk_headers(packet, options, carried);
    benchmark::DoNotOptimize(drop);
    benchmark::DoNotOptimize(carried);
  }
  state.SetLabel(std::to_string(bytes.size()) + " bytes");
}

void copy(benchmark::State& state, const Bytes& bytes) {
  Bytes to(bytes.size());
  for (auto _ : state) {
    std::memcpy(to.data(), bytes.data(), bytes.size());
    benchmark::ClobberMemory();
  }
}

BENCHMARK_CAPTURE(headers, ipv4, ethernet(0x0800, udp4()));
BENCHMARK_CAPTURE(headers, ipv6, ethernet(0x86dd, udp6()));
BENCHMARK_CAPTURE(headers, qinq_ipv4, ethernet(0x88a8, vlan(0x8100, vlan(0x0800, udp4()))));
BENCHMARK_CAPTURE(headers, ipv6_extensions,
                  ethernet(0x86dd, ipv6(0, extension(60, extension(17, udp(40000, 53, text(kMessage)))))));
BENCHMARK_CAPTURE(
    headers, vxlan,
    ethernet(0x0800, ipv4({}, udp(5555, 4789, joined({8, 0, 0, 0, 0, 0, 1, 0}, ethernet(0x0800, udp4()))))));
BENCHMARK_CAPTURE(copy, ipv4, ethernet(0x0800, udp4()));

}  // namespace
}  // namespace weir
