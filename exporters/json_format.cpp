#include "exporters/json_format.h"

#include <algorithm>
#include <utility>

#include "core/dns/name.h"
#include "core/dns/types.h"
#include "exporters/dnstap_names.h"
#include "exporters/json_dns.h"

namespace weir {
namespace {

// Room for the keys whose values are neither text nor lists: three names of kJsonNameRoom among them.
constexpr size_t kFixedBytes = 8U << 10U;

// "flags":["qr","rd"], for the header's QR, AA, TC, RD, RA, Z, AD and CD bits: copied whole.
struct FlagsText {
  char text[63] = {};
  uint8_t len = 0;
};

constexpr unsigned flags_index(uint16_t flags) { return (flags >> 4U & 0x7fU) | (flags >> 8U & 0x80U); }

constexpr auto kFlags = [] {
  constexpr std::pair<uint16_t, std::string_view> kNames[] = {{0x8000, "qr"}, {0x0400, "aa"}, {0x0200, "tc"},
                                                              {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"},
                                                              {0x0020, "ad"}, {0x0010, "cd"}};
  std::array<FlagsText, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    FlagsText& cell = table[i];
    const auto add = [&cell](std::string_view text) {
      for (char c : text) cell.text[cell.len++] = c;
    };
    const unsigned flags = (i & 0x7fU) << 4U | (i & 0x80U) << 8U;
    add("\"flags\":[");
    bool first = true;
    for (const auto& [bit, name] : kNames) {
      if ((flags & bit) == 0) continue;
      add(first ? "\"" : ",\"");
      add(name);
      add("\"");
      first = false;
    }
    add("],");
  }
  return table;
}();

// A dnstap enumeration's value: its name, or the number where there is none.
char* put_number_name(char* out, std::string_view name, int32_t number) noexcept {
  if (name.empty()) return put_i64(out, number);
  *out++ = '"';
  out = put(out, name);
  *out++ = '"';
  return out;
}

std::string_view type_text(const Event& event) noexcept {
  switch (event.kind) {
    case EventKind::transaction:
      return "TRANSACTION";
    case EventKind::query:
      return "QUERY";
    case EventKind::response:
      return "RESPONSE";
    case EventKind::dnstap:
      break;
  }
  return name_of_number(kMessageTypes, event.type);
}

uint16_t retransmissions(const Event& event) noexcept {
  const uint16_t expected = event.kind == EventKind::transaction ? 2 : 1;
  if (event.kind == EventKind::dnstap || event.units <= expected) return 0;
  return static_cast<uint16_t>(event.units - expected);
}

}  // namespace

struct JsonFormat::Line {
  const Event& event;
  const DnsMessage& dns;
  std::span<const uint8_t> wire;  // of dns
  const char* start;
  WrittenNames names;
  uint64_t cut = 0;  // bits of keys whose values did not fit
};

Status JsonFormat::check(const JsonFields& fields) {
  for (const auto* list : {&fields.fields, &fields.omit}) {
    for (const std::string& name : *list) {
      if (json_key(name)) continue;
      std::string known;
      for (std::string_view key : kJsonKeys) known.append(known.empty() ? "" : ", ").append(key);
      return Error{std::string(list == &fields.omit ? "omit" : "fields") + ": there is no key '" + name +
                   "' in a JSON line; the keys are " + known};
    }
  }
  return Ok{};
}

JsonFormat::JsonFormat(const JsonFields& fields, std::vector<std::string> input_names, unsigned lane,
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
  if (!fields.sequence) wanted_ &= ~(json_key_bit(JsonKey::seq) | json_key_bit(JsonKey::lane));
  for (const std::string& name : input_names) {
    std::array<char, 1024> text;
    char* out = put(text.data(), "\"input\":\"");
    bool cut = false;
    const auto* bytes = reinterpret_cast<const uint8_t*>(name.data());
    out = put_text(out, text.data() + text.size() - 16, {bytes, name.size()}, cut);
    out = put(out, "\",");
    inputs_.emplace_back(text.data(), out);
  }
  lane_ = "\"lane\":" + std::to_string(lane) + ",";
}

char* JsonFormat::write(const Event& event, uint64_t seq, char* out) noexcept {
  const DnsMessage& dns = event.primary();
  Line line{event, dns, dns.wire.present() ? event.bytes(dns.wire) : std::span<const uint8_t>(), out, {}, 0};
  *out++ = '{';
  out = put_origin(out, line);
  out = put_addresses(out, line);
  out = put_header(out, line);
  out = put_times(out, line);
  out = put_sections(out, line);
  out = put_zone(out, line);
  out = put_policy(out, line);
  if (event.has_http_protocol && wants(JsonKey::http_protocol)) {
    out = put(out, "\"http_protocol\":");
    out = put_number_name(out, name_of_number(kHttpProtocols, event.http_protocol), event.http_protocol);
    *out++ = ',';
  }
  out = put_text_value(out, line, JsonKey::extra, event.extra);
  out = put_source(out, line);
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
    out = event.has_response_time ? response_time_.put(out, event.response_time_ns)
                                  : query_time_.put(out, event.query_time_ns);
    *out++ = ',';
  }
  if (wants(JsonKey::type)) {
    out = put_number_name(put(out, "\"type\":"), type_text(event), event.type);
    *out++ = ',';
  }
  out = put_text_value(out, line, JsonKey::identity, event.identity);
  out = put_text_value(out, line, JsonKey::version, event.version);
  if (event.has_family && wants(JsonKey::family)) {
    out = put(out, "\"family\":");
    out = put_number_name(out, name_of_number(kSocketFamilies, event.family), event.family);
    *out++ = ',';
  }
  if (event.has_protocol && wants(JsonKey::transport)) {
    out = put(out, "\"transport\":");
    out = put_number_name(out, name_of_number(kSocketProtocols, event.protocol), event.protocol);
    *out++ = ',';
  }
  return out;
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
  if (server != server_.endpoint) {
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
  return put(out, {server_.text.data(), server_.len});
}

char* JsonFormat::put_header(char* out, Line& line) const noexcept {
  const DnsMessage& dns = line.dns;
  if (!dns.has_header) return out;
  if (wants(JsonKey::id)) {
    out = put_u32(put(out, "\"id\":"), dns.id);
    *out++ = ',';
  }
  if (wants(JsonKey::opcode)) out = put(write_opcode(put(out, "\"opcode\":\""), dns.opcode()), "\",");
  if (wants(JsonKey::rcode)) out = put(write_rcode(put(out, "\"rcode\":\""), dns.rcode), "\",");
  if (wants(JsonKey::flags)) {
    const FlagsText& flags = kFlags[flags_index(dns.flags)];
    std::memcpy(out, flags.text, sizeof flags.text);
    out += flags.len;
  }
  if (!dns.has_question) return out;
  if (wants(JsonKey::qname)) {
    out = put(out, "\"qname\":\"");
    const char* text = out;
    out = put_json_name(out, line.wire, kDnsHeaderLen);
    line.names.set(WrittenNames::qname, kDnsHeaderLen, text, out);
    out = put(out, "\",");
  }
  if (wants(JsonKey::qclass)) out = put(write_class(put(out, "\"qclass\":\""), dns.qclass), "\",");
  if (wants(JsonKey::qtype)) out = put(write_type(put(out, "\"qtype\":\""), dns.qtype), "\",");
  return out;
}

char* JsonFormat::put_times(char* out, const Line& line) noexcept {
  const Event& event = line.event;
  if (event.has_query_time && wants(JsonKey::query_time)) {
    out = query_time_.put(put(out, "\"query_time\":"), event.query_time_ns);
    *out++ = ',';
  }
  if (event.has_response_time && wants(JsonKey::response_time)) {
    out = response_time_.put(put(out, "\"response_time\":"), event.response_time_ns);
    *out++ = ',';
  }
  if (event.has_query_time && event.has_response_time && wants(JsonKey::latency_ns)) {
    // Negative where a server's clock is: it is what was sent.
    const auto latency = static_cast<int64_t>(event.response_time_ns - event.query_time_ns);
    out = put_i64(put(out, "\"latency_ns\":"), latency);
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
  return out;
}

// What follows the sections keeps its room.
char* JsonFormat::put_sections(char* out, Line& line) const noexcept {
  constexpr std::array<std::pair<JsonKey, std::string_view>, 3> kSections = {
      {{JsonKey::answers, "\"answers\":["},
       {JsonKey::authority, "\"authority\":["},
       {JsonKey::additional, "\"additional\":["}}};
  const DnsMessage& dns = line.dns;
  const Event& event = line.event;
  const size_t edns_room = dns.has_edns ? std::min(share_, edns_bound(dns.opt_len)) : 0;
  const size_t kept = kFixedBytes + edns_room + text_bound(event.policy_type) +
                      text_bound(event.policy_value) + text_bound(event.extra);
  const char* end = line.start + max_line_ - kept;
  for (size_t i = 0; i < kSections.size(); ++i) {
    const auto& [key, text] = kSections[i];
    if (!wants(key)) continue;
    bool cut = false;
    const JsonSection section{.key = text,
                              .off = dns.section_off[i],
                              .count = dns.counts[i + 1],
                              .leave_out_meta = key == JsonKey::additional};
    out = put_section(out, end, line.wire, section, line.names, cut);
    if (cut) line.cut |= json_key_bit(key);
  }
  if (!dns.has_edns || !wants(JsonKey::edns)) return out;
  bool cut = false;
  out = put_edns(out, out + edns_room, line.wire, dns, cut);
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
  const auto text = [&](Span span) {
    bool cut = false;
    out = put_text(out, out + share_, event.bytes(span), cut);
    if (cut) line.cut |= json_key_bit(JsonKey::policy);
    out = put(out, "\",");
  };
  out = put(out, "\"policy\":{");
  if (event.policy_type.present()) {
    out = put(out, "\"type\":\"");
    text(event.policy_type);
  }
  if (event.policy_rule.present()) {
    out = put(out, "\"rule\":\"");
    out = put(put_name_value(out, line, JsonKey::policy, event.policy_rule), "\",");
  }
  if (event.has_policy_action) {
    out = put(out, "\"action\":");
    out = put_number_name(out, name_of_number(kPolicyActions, event.policy_action), event.policy_action);
    *out++ = ',';
  }
  if (event.has_policy_match) {
    out = put(out, "\"match\":");
    out = put_number_name(out, name_of_number(kPolicyMatches, event.policy_match), event.policy_match);
    *out++ = ',';
  }
  if (event.policy_value.present()) {
    out = put(out, "\"value\":\"");
    text(event.policy_value);
  }
  out[-1] = '}';
  *out++ = ',';
  return out;
}

char* JsonFormat::put_source(char* out, const Line& line) noexcept {
  const Event& event = line.event;
  if (event.input < inputs_.size() && wants(JsonKey::input))
    out = put(out, std::string_view(inputs_[event.input]));
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
  return put(out, {peer_.text.data(), peer_.len});
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
  if (const uint16_t again = retransmissions(event); again != 0 && wants(JsonKey::retransmissions)) {
    out = put_u32(put(out, "\"retransmissions\":"), again);
    *out++ = ',';
  }
  return out;
}

// Text as bytes that dnstap leaves to the sender: mostly ASCII, possibly anything.
char* JsonFormat::put_text_value(char* out, Line& line, JsonKey key, Span span) const noexcept {
  if (!span.present() || !wants(key)) return out;
  *out++ = '"';
  out = put(put(out, kJsonKeys[static_cast<size_t>(key)]), "\":\"");
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
