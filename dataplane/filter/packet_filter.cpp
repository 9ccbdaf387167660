#include "dataplane/filter/packet_filter.h"

#include <pcap/pcap.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace weir {
namespace {

struct ClosePcap {
  void operator()(pcap_t* pcap) const noexcept { pcap_close(pcap); }
};
using Pcap = std::unique_ptr<pcap_t, ClosePcap>;

constexpr uint32_t kSnaplen = 256U << 10U;
// The optimizer's time grows with the third power of the expression: seconds for 300 hosts, minutes for
// 1,500.
constexpr size_t kLongestOptimized = 2'048;

// A capture file without packets. pcap_open_dead() would compile for a live interface of this machine: IPv6
// over LinkType::null would be Linux's AF_INET6 alone, and `inbound` a load that only the kernel knows.
Pcap open_empty_file(LinkType link) {
  struct {
    uint32_t magic = 0xa1b2c3d4;
    uint16_t major = 2, minor = 4;
    uint32_t zone = 0, accuracy = 0;
    uint32_t snaplen = kSnaplen;
    uint32_t link;
  } header{.link = static_cast<uint32_t>(link)};
  FILE* file = ::fmemopen(&header, sizeof header, "rb");
  if (file == nullptr) return nullptr;
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Pcap pcap(pcap_fopen_offline(file, error.data()));
  if (pcap == nullptr) (void)std::fclose(file);
  return pcap;
}

}  // namespace

void PacketFilter::Free::operator()(bpf_program* program) const noexcept {
  pcap_freecode(program);
  delete program;
}

// pcap_compile() is safe in several threads since libpcap 1.8; the build asks for a later one.
Result<PacketFilter> PacketFilter::compile(const std::string& expression, LinkType link) {
  const Pcap pcap = open_empty_file(link);
  if (pcap == nullptr) return Error{"there is no memory for the filter '" + expression + "'"};
  PacketFilter filter;
  filter.program_.reset(new bpf_program{});
  const int optimize = expression.size() <= kLongestOptimized ? 1 : 0;
  if (pcap_compile(pcap.get(), filter.program_.get(), expression.c_str(), optimize, PCAP_NETMASK_UNKNOWN) ==
      0)
    return filter;
  const std::string fault = pcap_geterr(pcap.get());
  // The optimizer refuses what never matches, such as "ip6" where there is only IPv4.
  if (pcap_compile(pcap.get(), filter.program_.get(), expression.c_str(), 0, PCAP_NETMASK_UNKNOWN) == 0) {
    filter.never_ = true;
    return filter;
  }
  const char* name = pcap_datalink_val_to_name(pcap_datalink(pcap.get()));
  return Error{"'" + expression + "' is no filter for packets of link type " +
               (name != nullptr ? name : std::to_string(static_cast<unsigned>(link))) + ": " + fault +
               "; pcap-filter(7) tells how to write one"};
}

bool PacketFilter::matches(std::span<const uint8_t> bytes, uint32_t wire_len) const noexcept {
  return bpf_filter(program_->bf_insns, bytes.data(), wire_len, static_cast<uint32_t>(bytes.size())) != 0;
}

}  // namespace weir
