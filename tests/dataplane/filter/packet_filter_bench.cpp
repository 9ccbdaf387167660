// A filter's question about a packet, by libpcap's interpreter, which PacketFilter uses, and by DPDK's JIT;
// the header walk is in packet_headers_bench.
#include "dataplane/filter/packet_filter.h"

#include <benchmark/benchmark.h>
#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <array>
#include <string>

#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

const Bytes kPacket =
    ethernet(0x0800, ipv4({}, udp(40000, 53, text("a message of about the length that a query has"))));

constexpr const char* kPort = "port 53";
constexpr const char* kPortInVlan = "port 53 or (vlan and port 53)";
constexpr const char* kPayloadByte = "udp port 53 and udp[8] = 0x61";

void libpcap(benchmark::State& state, const char* expression) {
  const PacketFilter filter = PacketFilter::compile(expression, LinkType::ethernet).value();
  for (auto _ : state) {
    bool matches = filter.matches(kPacket, static_cast<uint32_t>(kPacket.size()));
    benchmark::DoNotOptimize(matches);
  }
}

// rte_bpf_convert() takes memory from EAL.
bool has_eal() {
  static const bool started = [] {
    std::array<std::string, 9> words = {"bench",    "--no-huge",      "-m", "64", "--no-shconf",
                                        "--no-pci", "--no-telemetry", "-l", "0"};
    std::array<char*, 9> arguments{};
    for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
  }();
  return started;
}

void dpdk_jit(benchmark::State& state, const char* expression) {
  pcap_t* dead = pcap_open_dead(DLT_EN10MB, 256 << 10);
  bpf_program classic{};
  const bool compiled = pcap_compile(dead, &classic, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
  pcap_close(dead);
  rte_bpf_prm* converted = compiled && has_eal() ? rte_bpf_convert(&classic) : nullptr;
  rte_bpf* loaded = converted != nullptr ? rte_bpf_load(converted) : nullptr;
  rte_bpf_jit jit{};
  if (loaded == nullptr || rte_bpf_get_jit(loaded, &jit) != 0 || jit.func == nullptr) {
    state.SkipWithError("no JIT here");
    return;
  }
  Bytes bytes = kPacket;
  rte_mbuf mbuf{};
  mbuf.buf_addr = bytes.data();
  mbuf.nb_segs = 1;
  mbuf.data_len = static_cast<uint16_t>(bytes.size());
  mbuf.pkt_len = mbuf.data_len;
  uint64_t found = 0;
  for (auto _ : state) {
    found = jit.func(&mbuf);
    benchmark::DoNotOptimize(found);
  }
  const bool right =
      (found != 0) == (bpf_filter(classic.bf_insns, bytes.data(), mbuf.pkt_len, mbuf.pkt_len) != 0);
  state.SetLabel(right ? "" : "answers other than libpcap");
  rte_bpf_destroy(loaded);
  pcap_freecode(&classic);
}

BENCHMARK_CAPTURE(libpcap, port, kPort);
BENCHMARK_CAPTURE(libpcap, port_in_vlan, kPortInVlan);
BENCHMARK_CAPTURE(libpcap, payload_byte, kPayloadByte);
BENCHMARK_CAPTURE(dpdk_jit, port, kPort);
BENCHMARK_CAPTURE(dpdk_jit, port_in_vlan, kPortInVlan);
BENCHMARK_CAPTURE(dpdk_jit, payload_byte, kPayloadByte);

}  // namespace
}  // namespace weir
