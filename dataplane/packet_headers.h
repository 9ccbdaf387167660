// From a packet's bytes to the DNS message, the TCP segment or the IP fragment in it: link headers, tags,
// tunnels, IP, UDP and TCP, without I/O and without state. Called by PacketIntake on the ingest lcores;
// fuzzed.
//
// Tunnels that mirrors are sent through are opened: IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890),
// ERSPAN I to III over GRE, VXLAN (RFC 7348), Geneve (RFC 8926), TZSP. Addresses and ports are those of the
// innermost packet.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/addr.h"
#include "core/drop.h"
#include "core/packet_info.h"

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
inline constexpr std::array kDecodedLinks = {
    LinkType::null, LinkType::ethernet,  LinkType::ppp,  LinkType::raw_bsd, LinkType::raw,
    LinkType::loop, LinkType::linux_sll, LinkType::ipv4, LinkType::ipv6,    LinkType::linux_sll2};

struct Packet {
  std::span<const uint8_t> bytes;  // as captured
  uint32_t wire_len = 0;           // before the snap length cut it; not less than bytes.size()
  LinkType link = LinkType::ethernet;
  std::optional<uint16_t> vlan = std::nullopt;  // a tag (TCI) that the kernel or the NIC took off
  uint16_t vlan_type = 0x8100;                  // and the ethertype that stood before it
};

// The ports of DNS; a handful, so a scan.
class DnsPorts {
 public:
  explicit DnsPorts(std::vector<uint16_t> ports) : ports_(std::move(ports)) {}
  [[nodiscard]] bool has(uint16_t a, uint16_t b) const noexcept {
    for (const uint16_t port : ports_)
      if (port == a || port == b) return true;
    return false;
  }

 private:
  std::vector<uint16_t> ports_;
};

struct HeaderOptions {
  DnsPorts ports;
  bool verify_checksums = false;  // of IPv4 headers, UDP and TCP, where all bytes were captured
};

// What a packet carries. The payload points into the packet.
struct Carried {
  enum class Kind : uint8_t {
    datagram,  // payload: a UDP datagram's
    segment,   // payload: a TCP segment's
    fragment,  // payload: an IP fragment's; ports and flow are not set
  };
  Kind kind = Kind::datagram;
  Endpoint src;
  Endpoint dst;
  std::span<const uint8_t> payload;
  uint32_t wire_len = 0;  // of the payload; more than its size where the capture cut it
  uint32_t flow = 0;      // the same for both directions
  PacketInfo info;
  struct {
    uint32_t seq, ack;
    uint8_t flags;
  } tcp = {};
  struct {
    uint32_t id;
    uint16_t offset;  // bytes
    uint8_t protocol;
    bool more;
  } fragment = {};
};

// nullopt: `out` holds what the packet carries. Otherwise the reason why it ends here; `out` is undefined.
[[nodiscard]] std::optional<Drop> walk_headers(const Packet& packet, const HeaderOptions& options,
                                               Carried& out) noexcept;
// Goes on in an IP datagram that was put together: `out` holds what its last fragment gave, payload and
// wire_len are the datagram's. There may be a tunnel in it, and in that a fragment.
[[nodiscard]] std::optional<Drop> walk_datagram(std::span<const uint8_t> payload, uint32_t wire_len,
                                                const HeaderOptions& options, Carried& out) noexcept;
// Whether a datagram of fragments that begins so may carry DNS; nullopt: yes.
[[nodiscard]] std::optional<Drop> refuse_datagram(uint8_t protocol, std::span<const uint8_t> head,
                                                  const HeaderOptions& options) noexcept;

// CRC32 over the two endpoints, the smaller first, so that a query and its response agree.
uint32_t flow_hash(const Endpoint& a, const Endpoint& b) noexcept;

}  // namespace weir
