#include "dataplane/mirror_eal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace weir {
namespace {

constexpr uint64_t kMbufData = 2048;

// Reads hex digits up to `end`, which is taken too.
bool take_hex(std::string_view& text, char end, unsigned max, unsigned& value) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos || at == 0) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + at, value, 16);
  if (error != std::errc() || stop != text.data() + at || value > max) return false;
  text.remove_prefix(at + 1);
  return true;
}

// "3b:00.0" and "0000:3B:00.0" as DPDK names them: "0000:3b:00.0".
std::optional<std::string> pci_name(std::string_view text) {
  unsigned domain = 0;
  unsigned bus = 0;
  unsigned device = 0;
  const bool long_form = text.find(':') != text.rfind(':');
  if (long_form && !take_hex(text, ':', 0xffffffff, domain)) return std::nullopt;
  if (!take_hex(text, ':', 0xff, bus) || !take_hex(text, '.', 0x1f, device)) return std::nullopt;
  if (text.size() != 1 || text[0] < '0' || text[0] > '7') return std::nullopt;
  std::array<char, 24> name{};
  const int len = std::snprintf(name.data(), name.size(), "%04x:%02x:%02x.%c", domain, bus, device, text[0]);
  return std::string(name.data(), static_cast<size_t>(len));
}

}  // namespace

MirrorEal eal_arguments(const MirrorOptions& options, unsigned nth) {
  MirrorEal eal;
  if (!options.interface.empty() || options.port.empty()) return eal;
  const size_t comma = options.port.find(',');
  eal.device = options.port.substr(0, comma);
  const std::string arguments = comma == std::string::npos ? "" : options.port.substr(comma);
  if (auto pci = pci_name(eal.device); pci.has_value()) {
    eal.device = *pci;
    eal.pci = eal.device + arguments;
    return eal;
  }
  if (std::isdigit(static_cast<unsigned char>(eal.device.back())) == 0) eal.device += std::to_string(nth);
  eal.vdev = eal.device + arguments;
  return eal;
}

uint32_t least_mbufs(uint32_t rx_descriptors) {
  return std::max(rx_descriptors + kMbufCache, kMbufCache + kMbufCache / 2);
}

uint64_t mbuf_bytes(const MirrorOptions& options, bool hugepages) {
  // An mbuf: its head (128), head room (128), data and the pool's own header (64); its place in the pool's
  // ring, which is a power of two.
  constexpr uint64_t kBytesPerMbuf = 128 + 128 + kMbufData + 64;
  constexpr uint64_t kSmallPage = 4096;
  constexpr uint64_t kPlace = 2 * sizeof(void*);
  // A pool's caches, one for each lcore that there could be, with DPDK's own heads.
  constexpr uint64_t kCaches = 1200U << 10U;
  if (!options.interface.empty()) return 0;
  return options.queues * ((kPlace + (hugepages ? kBytesPerMbuf : kSmallPage)) * options.mbufs + kCaches);
}

uint64_t packet_ring_bytes(const MirrorOptions& options) {
  if (options.interface.empty()) return 0;
  return kMbufData * options.mbufs * options.queues;
}

}  // namespace weir
