// The hash of a DNS message's first question: QNAME without regard to case, QTYPE and QCLASS. Pure; decode
// lcore; hot path.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "core/dns/name.h"
#include "core/event.h"
#include "core/seeded_hash.h"

namespace weir {

// Precondition: dns.has_question, found in `wire`.
inline uint64_t hash_of_question(const SeededHash& hash, std::span<const uint8_t> wire,
                                 const DnsMessage& dns) noexcept {
  constexpr size_t kTypeAndClass = 4;
  uint8_t question[kMaxNameWire + kTypeAndClass];
  fold_name(wire.subspan(kDnsHeaderLen, dns.qname_len), question);
  std::memcpy(question + dns.qname_len, wire.data() + kDnsHeaderLen + dns.qname_len, kTypeAndClass);
  return hash.bytes({question, dns.qname_len + kTypeAndClass});
}

}  // namespace weir
