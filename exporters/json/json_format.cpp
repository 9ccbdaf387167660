#include "exporters/json/json_format.h"

#include <algorithm>
#include <utility>

#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/peer_names.h"
#include "core/same_endpoint.h"
#include "exporters/json/json_cells.h"
#include "exporters/json/json_dns.h"

namespace weir {
namespace {

// Room for the keys whose values are neither text nor lists: three names of kJsonNameRoom among them.
constexpr size_t kFixedBytes = 10U << 10U;
constexpr size_t kPeerNameRoom = 6 * PeerNames::kLongest;

// A dnstap enumeration's value: the piece with its name, or the number where there is none.
template <size_t N>
char* put_named(char* out, std::string_view key, const std::array<JsonCell<32>, N>& cells,
                int32_t number) noexcept {
  const auto i = static_cast<size_t>(static_cast<int64_t>(number) - 1);
  if (i < N) return put_cell(out, cells[i]);
  *out++ = '"';
  out = put_i64(put(put(out, key), "\":"), number);
  *out++ = ',';
  return out;
}

char* put_transfer(char* out, const TransferInfo& transfer) noexcept {
  out = put_u32(put(out, "\"transfer\":{\"messages\":"), transfer.messages);
  out = put_u32(put(out, ",\"records\":"), transfer.records);
  out = put_u64(put(out, ",\"bytes\":"), transfer.bytes);
  out = put_u64(put(out, ",\"duration_ns\":"), transfer.duration_ns);
  return transfer.whole ? put(out, ",\"whole\":true},") : put(out, ",\"whole\":false},");
}

char* put_type(char* out, const Event& event) noexcept {
  if (event.kind == EventKind::dnstap) return put_named(out, "type", kTypeCells, event.type);
  return put_cell(out, kPacketTypeCells[static_cast<size_t>(event.kind) - 1]);
}

// A dnstap query with its response.
bool is_pair(const Event& event) noexcept { return event.units == 2 && event.kind == EventKind::dnstap; }

}  // namespace

struct JsonFormat::Line {
  const Event& event;
  const DnsMessage& dns;
  std::span<const uint8_t> wire;  // of dns
  const char* start;
  WrittenNames names;
  const char* time_text;  // the value of "time"; nullptr: not written
  uint64_t cut;           // bits of keys whose values did not fit
  PacketInfo info;
};

Status JsonFormat::check(const JsonFields& fields) {
  for (const auto* list : {&fields.fields, &fields.omit}) {
    for (const std::string& name : *list) {
      if (json_key(name)) continue;
      std::string message(list == &fields.omit ? "omit" : "fields");
      message.append(": there is no key '").append(name).append("' in a JSON line; the keys are");
      for (std::string_view key : kJsonKeys) message.append(" ").append(key);
      return Error{std::move(message)};
    }
  }
  return Ok{};
}

JsonFormat::JsonFormat(const JsonFields& fields, const std::vector<std::string>& input_names, unsigned lane,
                       size_t max_line)
    : max_line_(std::clamp(max_line, kMinLineBytes, kMaxLineBytes)), share_((max_line_ - kFixedBytes) / 8) {
  const auto bits = [](const std::vector<std::string>& names) {
    uint64_t set = 0;
    for (const std::string& name : names) set |= json_key(name) ? json_key_bit(*json_key(name)) : 0;
    return set;
  };
  wanted_ = fields.fields.empty() ? ~uint64_t{0} : bits(fields.fields);
  wanted_ &= ~bits(fields.omit);
  if (!fields.authority) wanted_ &= ~json_key_bit(JsonKey::authority);
  if (!fields.additional) wanted_ &= ~json_key_bit(JsonKey::additional);
  constexpr uint64_t kStreamKeys = json_key_bit(JsonKey::peer_name) | json_key_bit(JsonKey::peer_pid) |
                                   json_key_bit(JsonKey::peer_uid) | json_key_bit(JsonKey::connection) |
                                   json_key_bit(JsonKey::connection_seq);
  if (!fields.stream) wanted_ &= ~kStreamKeys;
  if (!fields.sequence) wanted_ &= ~(json_key_bit(JsonKey::seq) | json_key_bit(JsonKey::lane));
  for (const std::string& name : input_names) {
    InputText& input = inputs_.emplace_back();
    bool cut = false;
    char* out = put(input.text.data(), "\"input\":\"");
    out = put_text(out, input.text.data() + input.text.size() - 32,
                   {reinterpret_cast<const uint8_t*>(name.data()), name.size()}, cut);
    input.len = static_cast<size_t>(put(out, "\",") - input.text.data());
  }
  for (unsigned i = 0; i < opcodes_.size(); ++i) {
    char* end = put(write_opcode(put(opcodes_[i].text, "\"opcode\":\""), static_cast<uint8_t>(i)), "\",");
    opcodes_[i].len = static_cast<uint8_t>(end - opcodes_[i].text);
  }
  for (unsigned i = 0; i < rcodes_.size(); ++i) {
    char* end = put(write_rcode(put(rcodes_[i].text, "\"rcode\":\""), static_cast<uint16_t>(i)), "\",");
    rcodes_[i].len = static_cast<uint8_t>(end - rcodes_[i].text);
  }
  lane_ = "\"lane\":" + std::to_string(lane) + ",";
}

char* JsonFormat::write(const Event& event, uint64_t seq, char* out) noexcept {
  const DnsMessage& dns = event.primary();
  Line line{event, dns, dns.wire.present() ? event.bytes(dns.wire) : std::span<const uint8_t>(),
            out,   {},  nullptr,
            0,     {}};
  if (event.packet_info.present()) line.info = decode_packet_info(event.bytes(event.packet_info));
  *out++ = '{';
  out = put_origin(out, line);
  out = put_addresses(out, line);
  out = put_header(out, line);
  out = put_times(out, line);
  out = put_sections(out, line);
  out = put_zone(out, line);
  out = put_policy(out, line);
  if (event.has_http_protocol && wants(JsonKey::http_protocol))
    out = put_named(out, "http_protocol", kHttpCells, event.http_protocol);
  if (event.extra.present() && wants(JsonKey::extra))
    out = put_text_value(put(out, "\"extra\":\""), line, JsonKey::extra, event.extra);
  out = put_source(out, line);
  if (line.event.stream.connection != 0) out = put_stream(out, line.event.stream);
  if (line.info.vlan_count != 0 || line.info.tunnel != Tunnel::none) out = put_packet_info(out, line.info);
  out = put_faults(out, line);
  if (wants(JsonKey::seq)) {
    out = put_u64(put(out, "\"seq\":"), seq);
    *out++ = ',';
  }
  if (wants(JsonKey::lane)) out = put(out, std::string_view(lane_));
  if (out[-1] == ',') --out;
  return put(out, "}\n");
}

char* JsonFormat::put_origin(char* out, Line& line) noexcept {
  const Event& event = line.event;
  if (wants(JsonKey::time) && (event.has_response_time || event.has_query_time)) {
    out = put(out, "\"time\":");
    line.time_text = out;
    out = event.has_response_time ? response_time_.put(out, event.response_time_ns)
                                  : query_time_.put(out, event.query_time_ns);
    *out++ = ',';
  }
  if (wants(JsonKey::type)) out = put_type(out, event);
  if (event.identity.present() && wants(JsonKey::identity))
    out = identity_.put(out, "\"identity\":\"", *this, line, JsonKey::identity, event.identity);
  if (event.version.present() && wants(JsonKey::version))
    out = version_.put(out, "\"version\":\"", *this, line, JsonKey::version, event.version);
  if (event.has_family && wants(JsonKey::family)) out = put_named(out, "family", kFamilyCells, event.family);
  if (event.has_protocol && wants(JsonKey::transport))
    out = put_named(out, "transport", kTransportCells, event.protocol);
  return out;
}

// Raw bytes equal to the last ones have the same text.
char* JsonFormat::KeptText::put(char* out, std::string_view key, const JsonFormat& format, Line& line,
                                JsonKey which, Span span) noexcept {
  const auto bytes = line.event.bytes(span);
  if (bytes.size() == raw_len && std::memcmp(bytes.data(), raw.data(), raw_len) == 0)
    return copy_text(out, text.data(), text_len);
  char* end = format.put_text_value(weir::put(out, key), line, which, span);
  if (bytes.size() > raw.size()) return end;
  raw_len = bytes.size();
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  text_len = static_cast<size_t>(end - out);
  std::copy(out, end, text.begin());
  return end;
}

char* JsonFormat::put_addresses(char* out, const Line& line) noexcept {
  const Endpoint& client = line.event.client;
  if (client.addr.present() && wants(JsonKey::client_ip))
    out = put(put_addr(put(out, "\"client_ip\":\""), client.addr), "\",");
  if (client.has_port && wants(JsonKey::client_port)) {
    out = put_u32(put(out, "\"client_port\":"), client.port);
    *out++ = ',';
  }
  const Endpoint& server = line.event.server;
  if (!same_endpoint(server, server_.endpoint) || server.has_port != server_.endpoint.has_port) {
    char* text = server_.text.data();
    if (server.addr.present() && wants(JsonKey::server_ip))
      text = put(put_addr(put(text, "\"server_ip\":\""), server.addr), "\",");
    if (server.has_port && wants(JsonKey::server_port)) {
      text = put_u32(put(text, "\"server_port\":"), server.port);
      *text++ = ',';
    }
    server_.endpoint = server;
    server_.len = static_cast<size_t>(text - server_.text.data());
  }
  return copy_text(out, server_.text.data(), server_.len);
}

char* JsonFormat::put_header(char* out, Line& line) const noexcept {
  const DnsMessage& dns = line.dns;
  const DnsMessage& header = line.event.having(&DnsMessage::has_header);
  if (!header.has_header) return out;
  if (wants(JsonKey::id)) {
    out = put_u32(put(out, "\"id\":"), header.id);
    *out++ = ',';
  }
  if (wants(JsonKey::opcode)) out = put_cell(out, opcodes_[header.opcode()]);
  // A query's rcode is no answer's.
  if (dns.has_header && wants(JsonKey::rcode)) {
    out = dns.rcode < rcodes_.size() ? put_cell(out, rcodes_[dns.rcode])
                                     : put(write_rcode(put(out, "\"rcode\":\""), dns.rcode), "\",");
  }
  if (dns.has_header && wants(JsonKey::flags)) out = put_cell(out, kFlagCells[flag_cell(dns.flags)]);
  return put_question(out, line);
}

char* JsonFormat::put_question(char* out, Line& line) const noexcept {
  const DnsMessage& dns = line.event.having(&DnsMessage::has_question);
  if (!dns.has_question) return out;
  if (wants(JsonKey::qname)) {
    out = put(out, "\"qname\":\"");
    const char* text = out;
    out = put_json_name(out, line.event.bytes(dns.wire), kDnsHeaderLen);
    if (&dns == &line.dns) line.names.set(WrittenNames::qname, kDnsHeaderLen, text, out);
    out = put(out, "\",");
  }
  const bool unicast = (dns.qclass & kMdnsClassFlag) != 0 && is_mdns(line.event);
  const auto qclass = static_cast<uint16_t>(unicast ? dns.qclass & ~kMdnsClassFlag : dns.qclass);
  if (wants(JsonKey::qclass)) {
    out = qclass == kClassIn ? put(out, "\"qclass\":\"IN\",")
                             : put(write_class(put(out, "\"qclass\":\""), qclass), "\",");
  }
  if (unicast && wants(JsonKey::unicast_answer)) out = put(out, "\"unicast_answer\":true,");
  if (wants(JsonKey::qtype)) out = put(write_type(put(out, "\"qtype\":\""), dns.qtype), "\",");
  return out;
}

char* JsonFormat::put_times(char* out, const Line& line) noexcept {
  const Event& event = line.event;
  if (event.has_query_time && wants(JsonKey::query_time)) {
    out = put(out, "\"query_time\":");
    out = event.has_response_time || line.time_text == nullptr ? query_time_.put(out, event.query_time_ns)
                                                               : TimeText::copy(out, line.time_text);
    *out++ = ',';
  }
  if (event.has_response_time && wants(JsonKey::response_time)) {
    out = put(out, "\"response_time\":");
    out = line.time_text == nullptr ? response_time_.put(out, event.response_time_ns)
                                    : TimeText::copy(out, line.time_text);
    *out++ = ',';
  }
  if (event.has_query_time && event.has_response_time && wants(JsonKey::latency_ns)) {
    // Negative where a server's clock is: it is what was sent.
    const auto latency = static_cast<int64_t>(event.response_time_ns - event.query_time_ns);
    out = put_i64(put(out, "\"latency_ns\":"), latency);
    *out++ = ',';
  }
  if (line.info.has_setup && wants(JsonKey::connect_ns)) {
    out = put_u64(put(out, "\"connect_ns\":"), line.info.setup_ns);
    *out++ = ',';
  }
  if (event.query.wire.present() && wants(JsonKey::query_bytes)) {
    out = put_u32(put(out, "\"query_bytes\":"), event.query.wire_len);
    *out++ = ',';
  }
  if (event.response.wire.present() && wants(JsonKey::response_bytes)) {
    out = put_u32(put(out, "\"response_bytes\":"), event.response.wire_len);
    *out++ = ',';
  }
  if (line.info.has_transfer && wants(JsonKey::transfer)) out = put_transfer(out, line.info.transfer);
  return out;
}

// What follows the sections keeps its room.
char* JsonFormat::put_sections(char* out, Line& line) const noexcept {
  const DnsMessage& dns = line.dns;
  const Event& event = line.event;
  const DnsMessage& opt = event.having(&DnsMessage::has_edns);
  const size_t edns_room = opt.has_edns ? std::min(share_, edns_bound(opt.opt_len)) : 0;
  const size_t kept = kFixedBytes + edns_room + text_bound(event.policy_type) +
                      text_bound(event.policy_value) + text_bound(event.extra);
  const char* end = line.start + max_line_ - kept;
  const auto section = [&](JsonKey key, std::string_view text, unsigned i) {
    if (dns.counts[i + 1] == 0 || dns.section_off[i] == 0 || !wants(key)) return;
    bool cut = false;
    char* list = put(out, text);
    char* behind = put_section(list, end, line.wire, dns, i, is_mdns(event), line.names, cut);
    if (behind != list) out = behind;
    if (cut) line.cut |= json_key_bit(key);
  };
  section(JsonKey::answers, "\"answers\":[", 0);
  section(JsonKey::authority, "\"authority\":[", 1);
  section(JsonKey::additional, "\"additional\":[", 2);
  if (!opt.has_edns || !wants(JsonKey::edns)) return out;
  bool cut = false;
  out = put_edns(out, out + edns_room, event.bytes(opt.wire), opt, cut);
  if (cut) line.cut |= json_key_bit(JsonKey::edns);
  return out;
}

size_t JsonFormat::text_bound(Span text) const noexcept {
  return text.present() ? std::min(share_, 6 * size_t{text.len} + 32) : 0;
}

char* JsonFormat::put_zone(char* out, Line& line) const noexcept {
  if (!line.event.query_zone.present() || !wants(JsonKey::zone)) return out;
  return put(put_name_value(put(out, "\"zone\":\""), line, JsonKey::zone, line.event.query_zone), "\",");
}

char* JsonFormat::put_policy(char* out, Line& line) const noexcept {
  const Event& event = line.event;
  const bool any = event.policy_type.present() || event.policy_rule.present() || event.has_policy_action ||
                   event.has_policy_match || event.policy_value.present();
  if (!any || !wants(JsonKey::policy)) return out;
  out = put(out, "\"policy\":{");
  if (event.policy_type.present()) {
    out = put_text_value(put(out, "\"type\":\""), line, JsonKey::policy, event.policy_type);
  }
  if (event.policy_rule.present()) {
    out = put(out, "\"rule\":\"");
    out = put(put_name_value(out, line, JsonKey::policy, event.policy_rule), "\",");
  }
  if (event.has_policy_action) out = put_named(out, "action", kActionCells, event.policy_action);
  if (event.has_policy_match) out = put_named(out, "match", kMatchCells, event.policy_match);
  if (event.policy_value.present()) {
    out = put_text_value(put(out, "\"value\":\""), line, JsonKey::policy, event.policy_value);
  }
  out[-1] = '}';
  *out++ = ',';
  return out;
}

char* JsonFormat::put_source(char* out, const Line& line) noexcept {
  const Event& event = line.event;
  if (event.input < inputs_.size() && wants(JsonKey::input))
    out = copy_text(out, inputs_[event.input].text.data(), inputs_[event.input].len);
  if (!event.peer.addr.present() || !wants(JsonKey::peer)) return out;
  if (event.peer != peer_.endpoint) {
    const bool v6 = event.peer.addr.len == 16;
    char* text = put(peer_.text.data(), "\"peer\":\"");
    if (v6) *text++ = '[';
    text = put_addr(text, event.peer.addr);
    if (v6) *text++ = ']';
    if (event.peer.has_port) {
      *text++ = ':';
      text = put_u32(text, event.peer.port);
    }
    text = put(text, "\",");
    peer_.endpoint = event.peer;
    peer_.len = static_cast<size_t>(text - peer_.text.data());
  }
  return copy_text(out, peer_.text.data(), peer_.len);
}

char* JsonFormat::put_stream(char* out, const StreamId& stream) const noexcept {
  if (const std::string_view name = PeerNames::at(stream.name); !name.empty() && wants(JsonKey::peer_name)) {
    bool cut = false;
    const auto* bytes = reinterpret_cast<const uint8_t*>(name.data());
    out = put(out, "\"peer_name\":\"");
    out = put(put_text(out, out + kPeerNameRoom, {bytes, name.size()}, cut), "\",");
  }
  if (stream.has_credentials && wants(JsonKey::peer_pid)) {
    out = put_u32(put(out, "\"peer_pid\":"), static_cast<uint32_t>(stream.pid));
    *out++ = ',';
  }
  if (stream.has_credentials && wants(JsonKey::peer_uid)) {
    out = put_u32(put(out, "\"peer_uid\":"), stream.uid);
    *out++ = ',';
  }
  if (wants(JsonKey::connection)) {
    out = put_u32(put(out, "\"connection\":"), stream.connection);
    *out++ = ',';
  }
  if (wants(JsonKey::connection_seq)) {
    out = put_u64(put(out, "\"connection_seq\":"), stream.sequence);
    *out++ = ',';
  }
  return out;
}

char* JsonFormat::put_packet_info(char* out, const PacketInfo& info) const noexcept {
  if (info.vlan_count != 0 && wants(JsonKey::vlan)) {
    out = put(out, "\"vlan\":[");
    for (const uint16_t id : std::span(info.vlans, info.vlan_count)) {
      out = put_u32(out, id);
      *out++ = ',';
    }
    out = put(out - 1, "],");
  }
  if (info.tunnel == Tunnel::none) return out;
  if (wants(JsonKey::tunnel)) out = put(put(put(out, "\"tunnel\":\""), to_string(info.tunnel)), "\",");
  if (info.tunnel_id != 0 && wants(JsonKey::tunnel_id)) {
    out = put_u32(put(out, "\"tunnel_id\":"), info.tunnel_id);
    *out++ = ',';
  }
  if (wants(JsonKey::outer_src_ip))
    out = put(put_addr(put(out, "\"outer_src_ip\":\""), info.outer_src), "\",");
  if (wants(JsonKey::outer_dst_ip))
    out = put(put_addr(put(out, "\"outer_dst_ip\":\""), info.outer_dst), "\",");
  return out;
}

char* JsonFormat::put_faults(char* out, const Line& line) const noexcept {
  const Event& event = line.event;
  const Malformed malformed = event.malformed();
  if (malformed != Malformed::none && wants(JsonKey::malformed))
    out = put(put(put(out, "\"malformed\":\""), to_string(malformed)), "\",");
  if (line.cut != 0 && wants(JsonKey::cut)) {
    out = put(out, "\"cut\":[");
    for (uint64_t bits = line.cut; bits != 0; bits &= bits - 1) {
      *out++ = '"';
      out = put(put(out, kJsonKeys[static_cast<size_t>(__builtin_ctzll(bits))]), "\",");
    }
    out = put(out - 1, "],");
  }
  if (is_pair(event) && wants(JsonKey::paired)) out = put(out, "\"paired\":true,");
  if (event.retransmissions != 0 && wants(JsonKey::retransmissions)) {
    out = put_u32(put(out, "\"retransmissions\":"), event.retransmissions);
    *out++ = ',';
  }
  return out;
}

// Text as bytes that dnstap leaves to the sender, mostly ASCII, possibly anything; and the end of the value.
char* JsonFormat::put_text_value(char* out, Line& line, JsonKey key, Span span) const noexcept {
  bool cut = false;
  out = put_text(out, out + share_, line.event.bytes(span), cut);
  if (cut) line.cut |= json_key_bit(key);
  return put(out, "\",");
}

// A name in wire form by dnstap.proto; what is none is shown as text.
char* JsonFormat::put_name_value(char* out, Line& line, JsonKey key, Span span) const noexcept {
  const auto bytes = line.event.bytes(span);
  const NameExtent extent = measure_name(bytes, 0);
  if (extent.sound() && extent.end == bytes.size()) return put_json_name(out, bytes, 0);
  bool cut = false;
  out = put_text(out, out + kJsonNameRoom, bytes, cut);
  if (cut) line.cut |= json_key_bit(key);
  return out;
}

}  // namespace weir
