#include "src/verify/value_rules.h"

#include <algorithm>
#include <array>

#include "core/event.h"
#include "core/packet_info.h"
#include "exporters/formats/dnstap_names.h"
#include "exporters/json/json_cells.h"
#include "exporters/json/json_keys.h"
#include "src/verify/text_rules.h"

namespace weir {

namespace {

using Names = std::span<const std::string_view>;

constexpr ValueRule text(TextForm form = nullptr) { return {.shape = Shape::text, .form = form}; }
constexpr ValueRule count(uint64_t max, uint64_t min = 0) {
  return {.shape = Shape::count, .min = min, .max = max};
}
constexpr ValueRule counts(uint64_t max, uint64_t min_elements, size_t most_elements) {
  return {.shape = Shape::count_list, .most = most_elements, .min = min_elements, .max = max};
}
constexpr ValueRule name_of(Names names) { return {.shape = Shape::name, .names = names}; }
constexpr ValueRule name_or_number(Names names, size_t numbered) {
  return {.shape = Shape::name_or_number, .names = names, .numbered = numbered};
}
constexpr ValueRule name_or_number(Names names) { return name_or_number(names, names.size()); }
constexpr ValueRule names_of(Names names, uint64_t min = 0) {
  return {.shape = Shape::name_list, .names = names, .min = min};
}
constexpr ValueRule object(const ObjectRule& rule, uint64_t min = 0) {
  return {.shape = Shape::object, .object = &rule, .min = min};
}
constexpr ValueRule list_of(const ObjectRule& rule, uint64_t min = 0) {
  return {.shape = Shape::object_list, .object = &rule, .min = min};
}
constexpr ValueRule kFlag = {.shape = Shape::flag};
constexpr ValueRule kSigned = {.shape = Shape::signed_number};
constexpr bool kRequired = true;

// The numbered ones first.
constexpr auto kLineTypes = [] {
  std::array<std::string_view, kMessageTypes.size() + kPacketTypes.size()> names{};
  std::ranges::copy(kPacketTypes, std::ranges::copy(kMessageTypes, names.begin()).out);
  return names;
}();
// Keys whose values can be too long for a line.
constexpr auto kCutKeys = [] {
  constexpr std::array kKeys = {JsonKey::identity,  JsonKey::version,    JsonKey::answers,
                                JsonKey::authority, JsonKey::additional, JsonKey::edns,
                                JsonKey::zone,      JsonKey::policy,     JsonKey::extra};
  std::array<std::string_view, kKeys.size()> names{};
  std::ranges::transform(kKeys, names.begin(),
                         [](JsonKey key) { return kJsonKeys[static_cast<size_t>(key)]; });
  return names;
}();
// All but `none`.
const auto kMalformed = [] {
  std::array<std::string_view, static_cast<size_t>(Malformed::count_) - 1> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = to_string(static_cast<Malformed>(i + 1));
  return names;
}();

const auto kTunnels = [] {
  std::array<std::string_view, static_cast<size_t>(Tunnel::count_) - 1> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = to_string(static_cast<Tunnel>(i + 1));
  return names;
}();

constexpr std::array kRecordKeys = {
    MemberRule{"name", text(is_name), kRequired},    MemberRule{"type", text(is_rr_type), kRequired},
    MemberRule{"class", text(is_class), kRequired},  MemberRule{"cache_flush", kFlag},
    MemberRule{"ttl", count(UINT32_MAX), kRequired}, MemberRule{"data", text(), kRequired},
};
constexpr ObjectRule kRecord{kRecordKeys};

constexpr std::array kExtendedErrorKeys = {
    MemberRule{"code", count(UINT16_MAX), kRequired},
    MemberRule{"name", text(is_extended_error)},
    MemberRule{"text", text()},
};
constexpr ObjectRule kExtendedError{kExtendedErrorKeys};

constexpr std::array kOptionKeys = {
    MemberRule{"code", count(UINT16_MAX), kRequired},
    MemberRule{"data", text(is_hex), kRequired},
};
constexpr ObjectRule kOption{kOptionKeys};

constexpr std::array kEdnsKeys = {
    MemberRule{"version", count(UINT8_MAX), kRequired},
    MemberRule{"udp_size", count(UINT16_MAX), kRequired},
    MemberRule{"do", kFlag, kRequired},
    MemberRule{"ecs", text(is_ecs)},
    MemberRule{"nsid", text()},
    MemberRule{"cookie", text(is_cookie)},
    MemberRule{"padding", count(UINT16_MAX)},
    MemberRule{"keepalive", count(UINT16_MAX)},
    MemberRule{"ede", list_of(kExtendedError)},
    MemberRule{"options", list_of(kOption)},
};
constexpr ObjectRule kEdns{kEdnsKeys};

constexpr std::array kPolicyKeys = {
    MemberRule{"type", text()},
    MemberRule{"rule", text()},
    MemberRule{"action", name_or_number(kPolicyActions)},
    MemberRule{"match", name_or_number(kPolicyMatches)},
    MemberRule{"value", text()},
};
constexpr ObjectRule kPolicy{kPolicyKeys};

constexpr std::array kTransferKeys = {
    MemberRule{"messages", count(UINT32_MAX, 1), kRequired},
    MemberRule{"records", count(UINT32_MAX), kRequired},
    MemberRule{"bytes", count(UINT64_MAX), kRequired},
    MemberRule{"duration_ns", count(UINT64_MAX), kRequired},
    MemberRule{"whole", kFlag, kRequired},
};
constexpr ObjectRule kTransfer{kTransferKeys};

constexpr std::array<MemberRule, kJsonKeyCount> kLineKeys = {{
    {"time", text(is_time)},
    {"type", name_or_number(kLineTypes, kMessageTypes.size())},
    {"identity", text()},
    {"version", text()},
    {"family", name_or_number(kSocketFamilies)},
    {"transport", name_or_number(kSocketProtocols)},
    {"client_ip", text(is_address)},
    {"client_port", count(UINT32_MAX)},
    {"server_ip", text(is_address)},
    {"server_port", count(UINT32_MAX)},
    {"id", count(UINT16_MAX)},
    {"opcode", text(is_opcode)},
    {"rcode", text(is_rcode)},
    {"flags", names_of(kFlagNames)},
    {"qname", text(is_name)},
    {"qclass", text(is_class)},
    {"unicast_answer", kFlag},
    {"qtype", text(is_rr_type)},
    {"query_time", text(is_time)},
    {"response_time", text(is_time)},
    {"latency_ns", kSigned},
    {"connect_ns", count(UINT64_MAX)},
    {"query_bytes", count(UINT32_MAX)},
    {"response_bytes", count(UINT32_MAX)},
    {"transfer", object(kTransfer)},
    {"answers", list_of(kRecord, 1)},
    {"authority", list_of(kRecord, 1)},
    {"additional", list_of(kRecord, 1)},
    {"edns", object(kEdns)},
    {"zone", text()},
    {"policy", object(kPolicy, 1)},
    {"http_protocol", name_or_number(kHttpProtocols)},
    {"extra", text()},
    {"input", text()},
    {"peer", text(is_peer)},
    {"peer_name", text()},
    {"peer_pid", count(INT32_MAX)},
    {"peer_uid", count(UINT32_MAX)},
    {"connection", count(UINT32_MAX, 1)},
    {"connection_seq", count(UINT64_MAX, 1)},
    {"vlan", counts(4095, 1, PacketInfo::kMaxVlans)},
    {"tunnel", name_of(kTunnels)},
    {"tunnel_id", count(UINT32_MAX)},
    {"outer_src_ip", text(is_address)},
    {"outer_dst_ip", text(is_address)},
    {"malformed", name_of(kMalformed)},
    {"cut", names_of(kCutKeys, 1)},
    {"paired", kFlag},
    {"retransmissions", count(UINT16_MAX, 1)},
    {"seq", count(UINT64_MAX)},
    {"lane", count(UINT64_MAX)},
}};
static_assert(std::ranges::equal(kLineKeys, kJsonKeys, {},
                                 [](const MemberRule& rule) { return rule.key.view(); }));

}  // namespace

constinit const ObjectRule kLineRule{kLineKeys};

}  // namespace weir
