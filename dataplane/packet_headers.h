// From a packet's bytes to the DNS message in it: link, VLAN, IP and UDP headers, without I/O and without
// state. Called by the packet inputs on their ingest lcores; fuzzed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/addr.h"
#include "core/drop.h"

namespace weir {

// Values of libpcap's LINKTYPE registry, those that are decoded. Others are valid values too.
enum class LinkType : uint16_t {
  null = 0,  // 4 bytes of address family in the capturing host's byte order
  ethernet = 1,
  ppp = 9,
  raw_bsd = 12,
  raw = 101,
  loop = 108,       // as null, in network byte order
  linux_sll = 113,  // cooked captures of "any"
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

struct Packet {
  std::span<const uint8_t> bytes;  // as captured
  uint32_t wire_len = 0;           // before the snap length cut it; not less than bytes.size()
  LinkType link = LinkType::ethernet;
};

// The UDP datagram of a packet. payload points into the packet.
struct Datagram {
  Endpoint src;
  Endpoint dst;
  std::span<const uint8_t> payload;
  uint32_t wire_len = 0;  // of the payload; more than its size where the capture cut it
  uint32_t flow = 0;      // the same for both directions
};

// The ports of DNS; a handful, so a scan.
class DnsPorts {
 public:
  explicit DnsPorts(std::vector<uint16_t> ports) : ports_(std::move(ports)) {}
  [[nodiscard]] bool has(uint16_t a, uint16_t b) const noexcept {
    return std::any_of(ports_.begin(), ports_.end(), [=](uint16_t port) { return port == a || port == b; });
  }

 private:
  std::vector<uint16_t> ports_;
};

// nullopt: `out` holds the datagram. Otherwise the reason why the packet ends here; `out` is undefined.
[[nodiscard]] std::optional<Drop> find_datagram(const Packet& packet, const DnsPorts& ports,
                                                Datagram& out) noexcept;

// CRC32 over the two endpoints, the smaller first, so that a query and its response agree.
uint32_t flow_hash(const Endpoint& a, const Endpoint& b) noexcept;

}  // namespace weir
