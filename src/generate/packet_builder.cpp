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
constexpr unsigned kTcpHeader = 20;
constexpr unsigned kTcpProtocol = 6;
constexpr unsigned kFragmentProtocol = 44;

// What IP's header says beside the addresses.
struct Ip {
  unsigned protocol;
  uint32_t id = 0;
  unsigned offset = 0;  // of a fragment, in bytes
  bool more = false;
  bool fragment = false;
};

void append_ipv4(std::string& out, const PacketPath& path, const Ip& ip, size_t payload) {
  const size_t start = out.size();
  put_u16(out, 0x4500);
  put_u16(out, static_cast<unsigned>(20 + payload));
  put_u16(out, ip.id & 0xffffU);
  put_u16(out, ip.fragment ? (ip.more ? 0x2000U : 0U) | ip.offset / 8 : 0x4000U);  // else: don't fragment
  put_u16(out, 64U << 8U | ip.protocol);                                           // TTL
  put_u16(out, 0);
  out += bytes_of(path.from.addr);
  out += bytes_of(path.to.addr);
  Checksum checksum;
  checksum.add(std::string_view(out).substr(start));
  out[start + 10] = static_cast<char>(checksum.value() >> 8U);
  out[start + 11] = static_cast<char>(checksum.value());
}

void append_ipv6(std::string& out, const PacketPath& path, const Ip& ip, size_t payload) {
  put_u16(out, 0x6000);
  put_u16(out, 0);
  put_u16(out, static_cast<unsigned>(payload + (ip.fragment ? 8 : 0)));
  put_u16(out, (ip.fragment ? kFragmentProtocol : ip.protocol) << 8U | 64U);  // hop limit
  out += bytes_of(path.from.addr);
  out += bytes_of(path.to.addr);
  if (!ip.fragment) return;
  put_u16(out, ip.protocol << 8U);
  put_u16(out, ip.offset | (ip.more ? 1U : 0U));
  put_u16(out, ip.id >> 16U);
  put_u16(out, ip.id & 0xffffU);
}

// Ethernet's and IP's headers, and behind them the payload.
void append_ip(std::string& out, const PacketPath& path, const Ip& ip, std::string_view payload) {
  const bool v6 = path.from.addr.len == 16;
  out.append("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);  // locally administered
  if (path.vlan != 0) {
    put_u16(out, 0x8100);
    put_u16(out, path.vlan);
  }
  put_u16(out, v6 ? 0x86dd : 0x0800);
  if (v6)
    append_ipv6(out, path, ip, payload.size());
  else
    append_ipv4(out, path, ip, payload.size());
  out += payload;
}

// UDP's and TCP's, over the pseudo-header (RFC 768, RFC 9293 section 3.1, RFC 8200 section 8.1).
unsigned checksum_of(const PacketPath& path, unsigned protocol, std::string_view datagram) {
  Checksum checksum;
  checksum.add(bytes_of(path.from.addr));
  checksum.add(bytes_of(path.to.addr));
  checksum.add(protocol);
  checksum.add(static_cast<unsigned>(datagram.size()));
  checksum.add(datagram);
  return checksum.value();
}

std::string udp_datagram(const PacketPath& path, std::string_view payload) {
  std::string datagram;
  put_u16(datagram, path.from.port);
  put_u16(datagram, path.to.port);
  put_u16(datagram, static_cast<unsigned>(kUdpHeader + payload.size()));
  put_u16(datagram, 0);
  datagram += payload;
  const unsigned sum = checksum_of(path, kUdpProtocol, datagram);
  datagram[6] = static_cast<char>((sum == 0 ? 0xffffU : sum) >> 8U);
  datagram[7] = static_cast<char>(sum == 0 ? 0xffU : sum);
  return datagram;
}

}  // namespace

void append_udp_packet(std::string& out, const PacketPath& path, uint16_t ip_id, std::string_view payload) {
  append_ip(out, path, {.protocol = kUdpProtocol, .id = ip_id}, udp_datagram(path, payload));
}

void append_tcp_packet(std::string& out, const PacketPath& path, uint16_t ip_id, const TcpSegment& segment,
                       std::string_view payload) {
  std::string datagram;
  put_u16(datagram, path.from.port);
  put_u16(datagram, path.to.port);
  for (const uint32_t number : {segment.seq, segment.ack}) {
    put_u16(datagram, number >> 16U);
    put_u16(datagram, number & 0xffffU);
  }
  put_u16(datagram, kTcpHeader / 4 << 12U | segment.flags);
  put_u16(datagram, 64'240);  // window
  put_u16(datagram, 0);
  put_u16(datagram, 0);
  datagram += payload;
  const unsigned sum = checksum_of(path, kTcpProtocol, datagram);
  datagram[16] = static_cast<char>(sum >> 8U);
  datagram[17] = static_cast<char>(sum);
  append_ip(out, path, {.protocol = kTcpProtocol, .id = ip_id}, datagram);
}

std::vector<std::string> udp_fragments(const PacketPath& path, uint32_t ip_id, std::string_view payload,
                                       unsigned mtu) {
  const std::string datagram = udp_datagram(path, payload);
  const bool v6 = path.from.addr.len == 16;
  std::vector<std::string> packets;
  if (datagram.size() + (v6 ? 40 : 20) <= mtu) {
    append_ip(packets.emplace_back(), path, {.protocol = kUdpProtocol, .id = ip_id}, datagram);
    return packets;
  }
  const size_t most = (mtu - (v6 ? 48 : 20)) / 8 * 8;
  for (size_t at = 0; at < datagram.size(); at += most)
    append_ip(packets.emplace_back(), path,
              {.protocol = kUdpProtocol,
               .id = ip_id,
               .offset = static_cast<unsigned>(at),
               .more = at + most < datagram.size(),
               .fragment = true},
              std::string_view(datagram).substr(at, most));
  return packets;
}

}  // namespace weir
