// What the decode lcores can be told (docs/configuration.md, `match:`).
#pragma once

#include <cstdint>
#include <vector>

namespace weir {

struct DecodeOptions {
  std::vector<uint16_t> dns_ports = {53};  // decide which end of a packet is the server
  uint32_t match_timeout_ms =
      5'000;                  // a query without its response is written as QUERY after this, in packet time
  uint32_t reorder_ms = 100;  // a response waits so long for a query that was captured after it
  uint32_t table_entries = 65'536;  // a shard; more evict the oldest, which is written as QUERY or RESPONSE
  bool operator==(const DecodeOptions&) const = default;
};

}  // namespace weir
