#include "src/generate/attack.h"

#include <algorithm>
#include <array>
#include <utility>

#include "src/generate/answers.h"
#include "src/generate/names.h"
#include "src/generate/tcp_exchange.h"

namespace weir {
namespace {

constexpr uint16_t kQuery = 0x0100;     // RD
constexpr uint16_t kResponse = 0x8180;  // QR, RD, RA
constexpr uint16_t kIn = 1;
constexpr uint16_t kQname = 12;
constexpr uint32_t kTtl = 300;
constexpr size_t kDatagram = 1400;
constexpr size_t kLargest = 65'000;

std::string name_of(std::initializer_list<std::string_view> labels) {
  std::string name;
  for (const std::string_view label : labels) append_label(name, label);
  name += '\0';
  return name;
}

}  // namespace

PacketPath Attack::random_path() {
  static constexpr std::array<uint8_t, 4> kServer = {198, 51, 100, 53};
  std::array<uint8_t, 4> source{};
  for (uint8_t& byte : source) byte = static_cast<uint8_t>(random_.between(1, 254));
  return {
      .from = {.addr = IpAddr::v4(source.data()), .has_port = true, .port = random_.between(1024, 65'535)},
      .to = {.addr = IpAddr::v4(kServer.data()), .has_port = true, .port = 53},
      .vlan = vlan_};
}

void Attack::random_query(std::string& out) {
  std::array<char, 12> label{};
  for (char& letter : label) letter = static_cast<char>('a' + random_.below(26));
  writer_.start(out, static_cast<uint16_t>(random_.below(65'536)), kQuery);
  writer_.question(name_of({{label.data(), label.size()}, "victim", "example"}), qtype::kA);
}

void Attack::large_response(std::string& out) {
  const std::string text(255, 'x');
  const size_t most = kind_ == AttackKind::large_messages ? kLargest : kDatagram;
  writer_.start(out, static_cast<uint16_t>(random_.below(65'536)), kResponse);
  writer_.question(name_of({"large", "example"}), qtype::kTxt);
  while (out.size() + text.size() + 13 < most) {
    writer_.begin_record(Section::answer, kQname, qtype::kTxt, kIn, kTtl);
    writer_.character_string(text);
    writer_.end_record();
  }
}

// Each record is 14 bytes, and half a kilobyte as text.
void Attack::compressed_response(std::string& out) {
  const std::string label(63, 'c');
  writer_.start(out, static_cast<uint16_t>(random_.below(65'536)), kResponse);
  writer_.question(name_of({label, label, label, std::string_view(label).substr(2)}), qtype::kNs);
  while (out.size() < kDatagram) {
    writer_.begin_record(Section::answer, kQname, qtype::kNs, kIn, kTtl);
    writer_.pointer(kQname);
    writer_.end_record();
  }
}

void Attack::make_segments() {
  PacketPath path = random_path();
  std::swap(path.from, path.to);
  large_response(message_);
  const std::string stream = with_length(message_);
  const auto first = static_cast<uint32_t>(random_.next());
  for (size_t at = 0; at < stream.size(); at += kSegmentBytes)
    append_tcp_packet(segments_.emplace_back(), path, 0,
                      {.seq = first + static_cast<uint32_t>(at), .ack = 1, .flags = kTcpAck},
                      std::string_view(stream).substr(at, kSegmentBytes));
}

const std::string& Attack::next() {
  packet_.clear();
  PacketPath path = random_path();
  const auto ip_id = static_cast<uint16_t>(random_.below(65'536));
  switch (kind_) {
    case AttackKind::none:
      break;
    case AttackKind::random_subdomains:
      random_query(message_);
      append_udp_packet(packet_, path, ip_id, message_);
      break;
    case AttackKind::fragments:
      large_response(message_);
      packet_ = std::move(udp_fragments(path, ip_id, message_, 600).front());
      break;
    case AttackKind::syn:
      append_tcp_packet(packet_, path, ip_id,
                        {.seq = static_cast<uint32_t>(random_.next()), .flags = kTcpSyn}, {});
      break;
    case AttackKind::amplification:
    case AttackKind::compression:
      std::swap(path.from, path.to);
      kind_ == AttackKind::compression ? compressed_response(message_) : large_response(message_);
      append_udp_packet(packet_, path, ip_id, message_);
      break;
    case AttackKind::large_messages:
      if (segments_.empty()) make_segments();
      packet_ = std::move(segments_.front());
      segments_.pop_front();
      break;
  }
  return packet_;
}

}  // namespace weir
