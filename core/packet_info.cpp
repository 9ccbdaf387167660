#include "core/packet_info.h"

#include <array>
#include <cstring>

namespace weir {
namespace {

// The first byte says what follows.
constexpr uint8_t kVlanCount = 0x07;
constexpr uint8_t kHasTunnel = 0x08;
constexpr uint8_t kOuterV6 = 0x10;
constexpr uint8_t kHasSetup = 0x20;
constexpr uint8_t kHasTransfer = 0x40;
constexpr uint8_t kWhole = 0x80;

template <class T>
uint8_t* put(uint8_t* to, const T& value, size_t len = sizeof(T)) noexcept {
  std::memcpy(to, &value, len);
  return to + len;
}

template <class T>
const uint8_t* get(const uint8_t* from, T& value, size_t len = sizeof(T)) noexcept {
  std::memcpy(&value, from, len);
  return from + len;
}

}  // namespace

std::string_view to_string(Tunnel tunnel) noexcept {
  constexpr std::array<std::string_view, static_cast<size_t>(Tunnel::count_)> kNames = {
      "", "IPIP", "GRE", "ERSPAN", "VXLAN", "GENEVE", "TZSP"};
  return kNames[static_cast<size_t>(tunnel)];
}

size_t encode(const PacketInfo& info, uint8_t* to) noexcept {
  if (info.empty()) return 0;
  uint8_t* const start = to;
  const bool tunnel = info.tunnel != Tunnel::none;
  const bool v6 = info.outer_src.len == 16;
  *to++ = static_cast<uint8_t>(info.vlan_count | (tunnel ? kHasTunnel : 0) | (tunnel && v6 ? kOuterV6 : 0) |
                               (info.has_setup ? kHasSetup : 0) | (info.has_transfer ? kHasTransfer : 0) |
                               (info.transfer.whole ? kWhole : 0));
  to = put(to, info.vlans, sizeof info.vlans[0] * info.vlan_count);
  if (tunnel) {
    to = put(to, info.tunnel);
    to = put(to, info.tunnel_id);
    to = put(to, info.outer_src.bytes, info.outer_src.len);
    to = put(to, info.outer_dst.bytes, info.outer_src.len);
  }
  if (info.has_setup) to = put(to, info.setup_ns);
  if (info.has_transfer) {
    to = put(to, info.transfer.messages);
    to = put(to, info.transfer.records);
    to = put(to, info.transfer.bytes);
    to = put(to, info.transfer.duration_ns);
  }
  return static_cast<size_t>(to - start);
}

PacketInfo decode_packet_info(std::span<const uint8_t> bytes) noexcept {
  PacketInfo info;
  if (bytes.empty()) return info;
  const uint8_t* from = bytes.data();
  const uint8_t what = *from++;
  info.vlan_count = what & kVlanCount;
  from = get(from, info.vlans, sizeof info.vlans[0] * info.vlan_count);
  if ((what & kHasTunnel) != 0) {
    from = get(from, info.tunnel);
    from = get(from, info.tunnel_id);
    for (IpAddr* addr : {&info.outer_src, &info.outer_dst}) {
      addr->len = (what & kOuterV6) != 0 ? 16 : 4;
      from = get(from, addr->bytes, addr->len);
    }
  }
  info.has_setup = (what & kHasSetup) != 0;
  if (info.has_setup) from = get(from, info.setup_ns);
  info.has_transfer = (what & kHasTransfer) != 0;
  if (info.has_transfer) {
    from = get(from, info.transfer.messages);
    from = get(from, info.transfer.records);
    from = get(from, info.transfer.bytes);
    get(from, info.transfer.duration_ns);
    info.transfer.whole = (what & kWhole) != 0;
  }
  return info;
}

}  // namespace weir
