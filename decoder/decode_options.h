// What the decode lcores can be told (docs/configuration.md, `match:`).
#pragma once

#include <cstdint>
#include <vector>

namespace weir {

struct DecodeOptions {
  std::vector<uint16_t> dns_ports = {53};  // decide which end of a packet is the server
  // For packets and for dnstap that is paired: a query without its response is written alone after this, a
  // response waits for a query that comes after it.
  uint32_t match_timeout_ms = 5'000;
  uint32_t reorder_ms = 100;
  uint32_t table_entries =
      65'536;  // of a shard's table of either; more evict the oldest, which is written alone
  bool whole_transfers = false;  // of packets: a zone transfer over TCP is one event, else one a message
  bool operator==(const DecodeOptions&) const = default;
};

}  // namespace weir
