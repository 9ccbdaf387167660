// libprotobuf as the judge of walk_dnstap(): tests and the fuzzer ask it about every payload.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace weir {

// What our walk and libprotobuf see differently in the payload; empty: nothing.
std::string differs_from_libprotobuf(std::span<const uint8_t> payload);

}  // namespace weir
