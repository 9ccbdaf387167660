// The keys of the native JSON line, in the order in which they stand in it. docs/schema.json describes each;
// a test keeps the two in step. The configuration checks `fields:` and `omit:` against this table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

enum class JsonKey : uint8_t {
  time,
  type,
  identity,
  version,
  family,
  transport,
  client_ip,
  client_port,
  server_ip,
  server_port,
  id,
  opcode,
  rcode,
  flags,
  qname,
  qclass,
  unicast_answer,
  qtype,
  query_time,
  response_time,
  latency_ns,
  connect_ns,
  query_bytes,
  response_bytes,
  transfer,
  answers,
  authority,
  additional,
  edns,
  zone,
  policy,
  http_protocol,
  extra,
  input,
  peer,
  peer_name,
  peer_pid,
  peer_uid,
  connection,
  connection_seq,
  vlan,
  tunnel,
  tunnel_id,
  outer_src_ip,
  outer_dst_ip,
  malformed,
  cut,
  paired,
  retransmissions,
  seq,
  lane,
  count_
};

inline constexpr size_t kJsonKeyCount = static_cast<size_t>(JsonKey::count_);
inline constexpr std::array<std::string_view, kJsonKeyCount> kJsonKeys = {"time",
                                                                          "type",
                                                                          "identity",
                                                                          "version",
                                                                          "family",
                                                                          "transport",
                                                                          "client_ip",
                                                                          "client_port",
                                                                          "server_ip",
                                                                          "server_port",
                                                                          "id",
                                                                          "opcode",
                                                                          "rcode",
                                                                          "flags",
                                                                          "qname",
                                                                          "qclass",
                                                                          "unicast_answer",
                                                                          "qtype",
                                                                          "query_time",
                                                                          "response_time",
                                                                          "latency_ns",
                                                                          "connect_ns",
                                                                          "query_bytes",
                                                                          "response_bytes",
                                                                          "transfer",
                                                                          "answers",
                                                                          "authority",
                                                                          "additional",
                                                                          "edns",
                                                                          "zone",
                                                                          "policy",
                                                                          "http_protocol",
                                                                          "extra",
                                                                          "input",
                                                                          "peer",
                                                                          "peer_name",
                                                                          "peer_pid",
                                                                          "peer_uid",
                                                                          "connection",
                                                                          "connection_seq",
                                                                          "vlan",
                                                                          "tunnel",
                                                                          "tunnel_id",
                                                                          "outer_src_ip",
                                                                          "outer_dst_ip",
                                                                          "malformed",
                                                                          "cut",
                                                                          "paired",
                                                                          "retransmissions",
                                                                          "seq",
                                                                          "lane"};
static_assert(kJsonKeys.back() == "lane");

constexpr std::optional<JsonKey> json_key(std::string_view name) {
  for (size_t i = 0; i < kJsonKeyCount; ++i)
    if (kJsonKeys[i] == name) return static_cast<JsonKey>(i);
  return std::nullopt;
}

constexpr uint64_t json_key_bit(JsonKey key) { return uint64_t{1} << static_cast<unsigned>(key); }

}  // namespace weir
