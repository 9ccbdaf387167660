// Records for answers: RDATA of each type that the load has, with made-up data from the ranges kept for
// benchmarks and documentation (RFC 2544, RFC 3849). Used by Traffic.
#pragma once

#include <cstdint>
#include <string_view>

#include "src/generate/message_writer.h"
#include "src/generate/random.h"

namespace weir {

namespace qtype {
constexpr uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28,
                   kSrv = 33, kNaptr = 35, kOpt = 41, kDs = 43, kRrsig = 46, kTlsa = 52, kHttps = 65,
                   kCaa = 257;
}

// One record of `type` owned by the name at `owner`. `apex`: offset of the zone's name; `other`: a name in
// wire form for types whose data is a name.
void write_answer(Random& random, MessageWriter& writer, uint16_t owner, uint16_t type, uint32_t ttl,
                  uint16_t apex, std::string_view other);
// The zone's SOA, as negative answers carry it (RFC 2308).
void write_soa(Random& random, MessageWriter& writer, Section section, uint16_t apex);
// A signature over the RRset before it (RFC 4034 section 3), with made-up bytes.
void write_rrsig(Random& random, MessageWriter& writer, uint16_t owner, uint16_t covered, uint32_t ttl,
                 std::string_view signer);

}  // namespace weir
