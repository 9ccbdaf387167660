// What a dnstap query and the dnstap response to it are together: one Event. Pure function; decode lcore; hot
// path.
#pragma once

#include <cstdint>

#include "core/event.h"

namespace weir {

// A walked dnstap payload, and where in the bytes behind the joined event it stands.
struct PlacedEvent {
  const Event& event;
  uint32_t off;
};

// Fills `out` but for record_len, bytes_len, query_frame_len, arrival_ns, input and peer. It is of the
// response's type, and what both tell (endpoints, identity, query_time, policy and so on) is the response's;
// the query's message is the query's own, for some servers put into a response what they have changed.
void join_dnstap(const PlacedEvent& query, const PlacedEvent& response, Event& out) noexcept;

}  // namespace weir
