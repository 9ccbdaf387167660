// same_endpoint: whether two endpoints that have ports are the same. Spares the calls that the defaulted ==
// makes. Pure; any lcore; hot path.
#pragma once

#include <cstring>

#include "core/addr.h"

namespace weir {

inline bool same_endpoint(const Endpoint& a, const Endpoint& b) noexcept {
  return a.port == b.port && a.addr.len == b.addr.len &&
         std::memcmp(a.addr.bytes.data(), b.addr.bytes.data(), sizeof a.addr.bytes) == 0;
}

}  // namespace weir
