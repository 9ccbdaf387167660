// Builds packets for tests, header by header, outermost last: Bytes p = ethernet(0x0800, ipv4(17, udp(...))).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::packets {

using Bytes = std::vector<uint8_t>;

inline void put16(Bytes& to, unsigned value) {
  to.push_back(static_cast<uint8_t>(value >> 8U));
  to.push_back(static_cast<uint8_t>(value));
}
inline void put32(Bytes& to, uint32_t value) {
  put16(to, value >> 16U);
  put16(to, value & 0xffffU);
}
inline void put(Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
inline Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

// len < 0: the right one.
inline Bytes udp(unsigned src, unsigned dst, const Bytes& payload, int len = -1) {
  Bytes p;
  put16(p, src);
  put16(p, dst);
  put16(p, len < 0 ? static_cast<unsigned>(payload.size() + 8) : static_cast<unsigned>(len));
  put16(p, 0);
  put(p, payload);
  return p;
}

struct Ipv4 {
  uint8_t protocol = 17;
  uint32_t src = 0xc0000201;  // 192.0.2.1
  uint32_t dst = 0xc6336435;  // 198.51.100.53
  int total = -1;
  uint16_t flags_and_offset = 0x4000;
  Bytes options = {};  // a multiple of 4
  uint8_t version = 4;
  int header_words = -1;
};
inline Bytes ipv4(const Ipv4& h, const Bytes& payload) {
  Bytes p;
  const size_t header = 20 + h.options.size();
  const auto words = h.header_words < 0 ? header / 4 : static_cast<size_t>(h.header_words);
  p.push_back(static_cast<uint8_t>(h.version << 4U | words));
  p.push_back(0);
  put16(p, h.total < 0 ? static_cast<unsigned>(header + payload.size()) : static_cast<unsigned>(h.total));
  put16(p, 1);
  put16(p, h.flags_and_offset);
  p.push_back(64);
  p.push_back(h.protocol);
  put16(p, 0);
  put32(p, h.src);
  put32(p, h.dst);
  put(p, h.options);
  put(p, payload);
  return p;
}

// 2001:db8::1 to 2001:db8::35.
inline Bytes ipv6(uint8_t next, const Bytes& payload, int len = -1, uint8_t last_src = 1,
                  uint8_t last_dst = 0x35) {
  Bytes p = {0x60, 0, 0, 0};
  put16(p, len < 0 ? static_cast<unsigned>(payload.size()) : static_cast<unsigned>(len));
  p.push_back(next);
  p.push_back(64);
  for (const uint8_t last : {last_src, last_dst}) {
    put(p, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    p.push_back(last);
  }
  put(p, payload);
  return p;
}
// An extension header of 8 × (1 + more) bytes.
inline Bytes extension(uint8_t next, const Bytes& payload, uint8_t more = 0) {
  Bytes p = {next, more};
  p.resize(8 * (1 + size_t{more}));
  put(p, payload);
  return p;
}
inline Bytes fragment6(uint8_t next, unsigned offset_and_more, const Bytes& payload) {
  Bytes p = {next, 0};
  put16(p, offset_and_more);
  put32(p, 77);
  put(p, payload);
  return p;
}

inline Bytes ethernet(unsigned ethertype, const Bytes& payload) {
  Bytes p(12, 2);
  put16(p, ethertype);
  put(p, payload);
  return p;
}
// What stands behind an ethertype of a VLAN tag.
inline Bytes vlan(unsigned inner_ethertype, const Bytes& payload, unsigned tag = 7) {
  Bytes p;
  put16(p, tag);
  put16(p, inner_ethertype);
  put(p, payload);
  return p;
}

inline Bytes joined(Bytes head, const Bytes& payload) {
  put(head, payload);
  return head;
}
inline Bytes mpls(const std::vector<uint32_t>& labels, const Bytes& payload) {
  Bytes p;
  for (size_t i = 0; i < labels.size(); ++i)
    put32(p, labels[i] << 12U | (i + 1 == labels.size()) << 8U | 64U);
  return joined(p, payload);
}
struct Gre {
  bool checksum = false;
  uint32_t key = 0;
  bool sequence = false;
};
inline Bytes gre(unsigned ethertype, const Bytes& payload, const Gre& with = {}) {
  Bytes p;
  put16(p, (with.checksum ? 0x8000U : 0U) | (with.key != 0 ? 0x2000U : 0U) | (with.sequence ? 0x1000U : 0U));
  put16(p, ethertype);
  if (with.checksum) put32(p, 0);
  if (with.key != 0) put32(p, with.key);
  if (with.sequence) put32(p, 1);
  return joined(p, payload);
}
struct Tcp {
  unsigned src = 40000;
  unsigned dst = 53;
  uint32_t seq = 1000;
  uint32_t ack = 2000;
  uint8_t flags = 0x18;  // PSH, ACK
  Bytes options = {};    // a multiple of 4
  int words = -1;        // of the header; < 0: the right ones
};
inline Bytes tcp(const Tcp& h, const Bytes& payload) {
  Bytes p;
  put16(p, h.src);
  put16(p, h.dst);
  put32(p, h.seq);
  put32(p, h.ack);
  const auto words = h.words < 0 ? 5 + h.options.size() / 4 : static_cast<size_t>(h.words);
  p.push_back(static_cast<uint8_t>(words << 4U));
  p.push_back(h.flags);
  put16(p, 65535);
  put32(p, 0);
  put(p, h.options);
  return joined(p, payload);
}

// A query from 192.0.2.1:40000 to 198.51.100.53:53 with this payload.
inline Bytes query(std::string_view payload) {
  return ethernet(0x0800, ipv4({}, udp(40000, 53, text(payload))));
}

}  // namespace weir::packets
