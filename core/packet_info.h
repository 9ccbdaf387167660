// PacketInfo: what is known of a mirrored DNS message beside its endpoints and its time: how it was wrapped,
// how long its TCP connection took to set up, and of a zone transfer how much came. Travels behind the
// message's bytes in a form that is short where there is little to say. Pure; any lcore.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/addr.h"

namespace weir {

// The outermost that the packet was in.
enum class Tunnel : uint8_t { none, ipip, gre, erspan, vxlan, geneve, tzsp, count_ };
// As in the JSON line; empty for none.
std::string_view to_string(Tunnel tunnel) noexcept;

// A zone transfer: its responses, those in the event's messages too.
struct TransferInfo {
  uint32_t messages = 0;
  uint32_t records = 0;      // of the answer sections
  uint64_t bytes = 0;        // of the messages, on the wire
  uint64_t duration_ns = 0;  // from the query to the last of them
  bool whole = false;        // the last one came
  bool operator==(const TransferInfo&) const = default;
};

struct PacketInfo {
  static constexpr unsigned kMaxVlans = 4;

  uint16_t vlans[kMaxVlans] = {};  // VLAN ids, the outermost first; those of all layers
  uint8_t vlan_count = 0;          // 802.1Q has 12 bits: the tags' other bits are left out
  Tunnel tunnel = Tunnel::none;
  bool has_setup = false;
  bool has_transfer = false;
  uint32_t tunnel_id = 0;  // VXLAN and Geneve: VNI, GRE: key, ERSPAN: session; else 0
  IpAddr outer_src;        // of the tunnel; absent without one
  IpAddr outer_dst;
  uint64_t setup_ns = 0;  // TCP: from SYN to the ACK of the SYN-ACK
  TransferInfo transfer;

  [[nodiscard]] bool empty() const noexcept {
    return vlan_count == 0 && tunnel == Tunnel::none && !has_setup && !has_transfer;
  }
  bool operator==(const PacketInfo&) const = default;
};

// The most that encode() writes.
constexpr size_t kMaxPacketInfo = 2 + 2 * PacketInfo::kMaxVlans + 4 + 2 * 16 + 8 + 2 * 4 + 2 * 8;

// At least kMaxPacketInfo bytes at `to`; gives how many were written, 0 for an empty one.
size_t encode(const PacketInfo& info, uint8_t* to) noexcept;
// Of what encode() wrote; no bytes give an empty one.
PacketInfo decode_packet_info(std::span<const uint8_t> bytes) noexcept;

}  // namespace weir
