#include "src/generate/tcp_exchange.h"

#include <utility>

namespace weir {
namespace {

constexpr uint64_t kRoundTripNs = 200'000;

class Exchange {
 public:
  Exchange(const Transaction& transaction, unsigned vlan, uint64_t number)
      : ways_{{.from = transaction.client, .to = transaction.server, .vlan = vlan},
              {.from = transaction.server, .to = transaction.client, .vlan = vlan}},
        sent_{static_cast<uint32_t>(number * 0x9e3779b1U), static_cast<uint32_t>(number * 0x85ebca6bU)},
        ip_id_(static_cast<uint16_t>(number)) {}

  // way 0: the client's. SYN and FIN take a sequence number each.
  void send(unsigned way, uint64_t after_ns, uint8_t flags, std::string_view payload = {}) {
    const bool has_ack = (flags & kTcpAck) != 0;
    const TcpSegment segment{.seq = sent_[way], .ack = has_ack ? sent_[1 - way] : 0, .flags = flags};
    append_tcp_packet(packets.emplace_back(TimedPacket{.after_ns = after_ns, .bytes = {}}).bytes, ways_[way],
                      ip_id_, segment, payload);
    sent_[way] += static_cast<uint32_t>(payload.size()) + ((flags & (kTcpSyn | kTcpFin)) != 0 ? 1U : 0U);
  }

  std::vector<TimedPacket> packets;

 private:
  PacketPath ways_[2];
  uint32_t sent_[2];
  uint16_t ip_id_;
};

}  // namespace

std::string with_length(std::string_view message) {
  std::string framed;
  framed += static_cast<char>(message.size() >> 8U);
  framed += static_cast<char>(message.size());
  framed += message;
  return framed;
}

std::vector<TimedPacket> tcp_exchange(const Transaction& transaction, unsigned vlan, uint64_t number) {
  constexpr unsigned kClient = 0;
  constexpr unsigned kServer = 1;
  Exchange exchange(transaction, vlan, number);
  exchange.send(kClient, 0, kTcpSyn);
  exchange.send(kServer, kRoundTripNs / 2, kTcpSyn | kTcpAck);
  exchange.send(kClient, kRoundTripNs, kTcpAck);
  exchange.send(kClient, kRoundTripNs, kTcpPush | kTcpAck, with_length(transaction.query));
  const uint64_t answered_ns = kRoundTripNs + transaction.latency_ns;
  const std::string response = with_length(transaction.response);
  for (size_t at = 0; at < response.size(); at += kSegmentBytes)
    exchange.send(kServer, answered_ns, kTcpPush | kTcpAck,
                  std::string_view(response).substr(at, kSegmentBytes));
  exchange.send(kClient, answered_ns + kRoundTripNs, kTcpFin | kTcpAck);
  exchange.send(kServer, answered_ns + kRoundTripNs, kTcpFin | kTcpAck);
  exchange.send(kClient, answered_ns + 2 * kRoundTripNs, kTcpAck);
  return std::move(exchange.packets);
}

}  // namespace weir
