#include "src/generate/packet_builder.h"

namespace weir {

namespace {

void put_u16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8U);
  out += static_cast<char>(value);
}

std::string_view bytes_of(const IpAddr& addr) {
  return {reinterpret_cast<const char*>(addr.bytes.data()), addr.len};
}

// The Internet checksum (RFC 1071) of pieces whose lengths are even, save the last's.
class Checksum {
 public:
  void add(std::string_view data) {
    for (size_t i = 0; i < data.size(); ++i) {
      const auto byte = static_cast<uint8_t>(data[i]);
      sum_ += (i & 1U) != 0 ? byte : static_cast<uint32_t>(byte) << 8U;
    }
  }
  void add(unsigned word) { sum_ += word; }
  [[nodiscard]] unsigned value() const {
    uint32_t sum = sum_;
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return ~sum & 0xffffU;
  }

 private:
  uint32_t sum_ = 0;
};

constexpr unsigned kUdpHeader = 8;
constexpr unsigned kUdpProtocol = 17;

void append_ipv4(std::string& out, const IpAddr& from, const IpAddr& to, uint16_t ip_id, unsigned udp_len) {
  const size_t start = out.size();
  put_u16(out, 0x4500);
  put_u16(out, 20 + udp_len);
  put_u16(out, ip_id);
  put_u16(out, 0x4000);                    // don't fragment
  put_u16(out, 64U << 8U | kUdpProtocol);  // TTL
  put_u16(out, 0);
  out += bytes_of(from);
  out += bytes_of(to);
  Checksum checksum;
  checksum.add(std::string_view(out).substr(start));
  out[start + 10] = static_cast<char>(checksum.value() >> 8U);
  out[start + 11] = static_cast<char>(checksum.value());
}

void append_ipv6(std::string& out, const IpAddr& from, const IpAddr& to, unsigned udp_len) {
  put_u16(out, 0x6000);
  put_u16(out, 0);
  put_u16(out, udp_len);
  put_u16(out, kUdpProtocol << 8U | 64U);  // hop limit
  out += bytes_of(from);
  out += bytes_of(to);
}

}  // namespace

void append_udp_packet(std::string& out, const Endpoint& from, const Endpoint& to, unsigned vlan,
                       uint16_t ip_id, std::string_view payload) {
  const bool v6 = from.addr.len == 16;
  out.append("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);  // locally administered
  if (vlan != 0) {
    put_u16(out, 0x8100);
    put_u16(out, vlan);
  }
  put_u16(out, v6 ? 0x86dd : 0x0800);
  const auto udp_len = static_cast<unsigned>(kUdpHeader + payload.size());
  if (v6) {
    append_ipv6(out, from.addr, to.addr, udp_len);
  } else {
    append_ipv4(out, from.addr, to.addr, ip_id, udp_len);
  }
  Checksum checksum;  // RFC 768; RFC 8200 section 8.1
  checksum.add(bytes_of(from.addr));
  checksum.add(bytes_of(to.addr));
  checksum.add(kUdpProtocol);
  checksum.add(udp_len);
  checksum.add(from.port);
  checksum.add(to.port);
  checksum.add(udp_len);
  checksum.add(payload);
  const unsigned sum = checksum.value();
  put_u16(out, from.port);
  put_u16(out, to.port);
  put_u16(out, udp_len);
  put_u16(out, sum == 0 ? 0xffff : sum);
  out += payload;
}

}  // namespace weir
