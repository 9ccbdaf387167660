#include "tests/decoder/mirrored.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>

#include "core/packet_info.h"

namespace weir {
namespace {

std::string be16(uint16_t v) { return {static_cast<char>(v >> 8U), static_cast<char>(v)}; }

std::string name_of(const std::string& text) {
  std::string wire;
  for (size_t at = 0; at < text.size();) {
    const size_t dot = std::min(text.find('.', at), text.size());
    wire += static_cast<char>(dot - at);
    wire += text.substr(at, dot - at);
    at = dot + 1;
  }
  return wire + '\0';
}

Endpoint endpoint(const std::string& addr, uint16_t port) {
  return {.addr = *parse_addr(addr), .has_port = true, .port = port};
}

Frame head_of(const Sent& sent) {
  const Endpoint client = endpoint(sent.client, sent.client_port);
  const Endpoint server = endpoint(sent.server, sent.server_port);
  Frame head;
  head.kind = sent.tcp ? FrameKind::dns_tcp : FrameKind::dns_udp;
  head.time_ns = kStart + sent.us * 1'000;
  head.arrival_ns = sent.us * 1'000;
  head.input = sent.input;
  head.live = sent.live;
  head.cut = sent.cut;
  head.wire_len = static_cast<uint32_t>(wire_of(sent).size());
  head.src = sent.response ? server : client;
  head.dst = sent.response ? client : server;
  return head;
}

}  // namespace

std::string wire_of(const Sent& sent) {
  const auto flags = static_cast<uint16_t>(sent.flags | (sent.response ? 0x8000U : 0U));
  std::string wire = be16(sent.id) + be16(flags);
  for (const uint16_t count : sent.counts) wire += be16(count);
  if (sent.counts[0] != 0) wire += name_of(sent.qname) + be16(sent.qtype) + be16(1);
  return wire + sent.rest;
}

HeldFrame::HeldFrame(const Sent& sent)
    : HeldFrame(head_of(sent), wire_of(sent).substr(0, wire_of(sent).size() / (sent.cut ? 2 : 1))) {}

HeldFrame::HeldFrame(const Frame& head, const std::string& payload) {
  Frame frame = head;
  frame.payload_len = static_cast<uint32_t>(payload.size());
  const size_t words = (sizeof(Frame) + payload.size() + 7) / 8;
  frame.record_len = static_cast<uint32_t>(words * 8);
  memory_.resize(words);
  auto* placed = new (memory_.data()) Frame(frame);
  std::memcpy(placed->payload_start(), payload.data(), payload.size());
}

EventSink::Room KeptEvents::reserve(size_t bytes_len, Event*& event) noexcept {
  refused_ = refuse_every_other && !refused_;
  if (refused_) return Room::later;
  if (refuse != 0) {
    --refuse;
    return Room::later;
  }
  if (bytes_len > largest) return Room::never;
  memory_.assign((sizeof(Event) + bytes_len + 7) / 8, 0);
  event = new (memory_.data()) Event;
  event->record_len = static_cast<uint32_t>(memory_.size() * 8);
  event->bytes_len = static_cast<uint32_t>(bytes_len);
  return Room::yes;
}

void KeptEvents::commit() noexcept {
  const auto& event = *reinterpret_cast<const Event*>(memory_.data());
  lines.push_back(tell_(event));
  const auto wire = event.bytes();
  bytes.emplace_back(wire.begin(), wire.end());
  units += event.units;
}

std::string to_line(const Event& event) {
  const bool both = event.kind == EventKind::transaction;
  std::string line = both ? "TRANSACTION" : event.kind == EventKind::query ? "QUERY" : "RESPONSE";
  line += " " + to_string(event.client) + " " + to_string(event.server);
  const DnsMessage& dns = event.primary();
  EXPECT_EQ(event.query.wire.present(), event.kind != EventKind::response);
  EXPECT_EQ(event.response.wire.present(), event.kind != EventKind::query);
  if (dns.has_header) line += " " + std::to_string(dns.id);
  if (dns.has_question) {
    const auto wire = event.bytes(dns.wire);
    line += " ";
    for (size_t at = 12; wire[at] != 0; at += wire[at] + size_t{1}) {
      if (at != 12) line += ".";
      line.append(wire.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  wire.begin() + static_cast<std::ptrdiff_t>(at) + 1 + wire[at]);
    }
  }
  if (dns.opcode() != 0) line += " opcode" + std::to_string(dns.opcode());
  if (dns.rcode != 0) line += " rcode" + std::to_string(dns.rcode);
  if ((dns.flags & 0x0200U) != 0) line += " tc";
  if (event.has_query_time) line += " q" + std::to_string((event.query_time_ns - kStart) / 1'000);
  if (event.has_response_time) line += " r" + std::to_string((event.response_time_ns - kStart) / 1'000);
  if (event.units != (both ? 2 : 1)) line += " u" + std::to_string(event.units);
  for (const DnsMessage* message : {&event.query, &event.response})
    if (message->malformed != Malformed::none) line += " " + std::string(to_string(message->malformed));
  const PacketInfo info =
      event.packet_info.present() ? decode_packet_info(event.bytes(event.packet_info)) : PacketInfo{};
  if (info.has_transfer)
    line += " transfer m" + std::to_string(info.transfer.messages) + " rr" +
            std::to_string(info.transfer.records) + (info.transfer.whole ? "" : " unfinished");
  return line;
}

Outcome outcome_of(const std::vector<Sent>& packets, const DecodeOptions& options, uint64_t seed) {
  KeptEvents kept;
  Matcher matcher(options, kept, seed);
  for (const Sent& packet : packets) {
    const HeldFrame held(packet);
    EXPECT_TRUE(matcher.take(held.frame()));
  }
  EXPECT_TRUE(matcher.flush());
  EXPECT_EQ(matcher.held_units(), 0U);
  uint64_t dropped = 0;
  for (const auto& [drop, units] : kept.drops) dropped += units;
  EXPECT_EQ(kept.units + dropped, packets.size());
  return {kept.lines, kept.drops};
}

}  // namespace weir
