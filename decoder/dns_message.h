// The walk over one DNS message: header, first question, where the sections start, EDNS, and what is wrong
// with it if it cannot be read to its end. Called for every query and response by decode lcores; hot path.
// RRs are not kept: outputs that show them walk them again with core/dns/rr_cursor.h.
#pragma once

#include <cstdint>
#include <span>

#include "core/event.h"

namespace weir {

// `out` is fresh but for `wire` and `wire_len`, which are the caller's and stay as they are. What was read
// before a fault stays; `malformed` is the first fault. A mirrored message that was cut by the capture fails
// here like any cut message: the caller then says capture_cut instead.
void walk_dns_message(std::span<const uint8_t> wire, DnsMessage& out) noexcept;

}  // namespace weir
