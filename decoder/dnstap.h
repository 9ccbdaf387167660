// The walk over one Dnstap protobuf payload (dnstap.proto of February 2025, proto2) into an Event. Called for
// every dnstap frame by decode lcores; hot path. Accepts and refuses exactly what libprotobuf's
// ParseFromArray does, with the enums read as int32 so that values of later schemas are kept.
#pragma once

#include <cstdint>
#include <span>

#include "core/event.h"

namespace weir {

enum class DnstapResult : uint8_t {
  ok,
  malformed,    // the protobuf does not parse, lacks a `type`, or has no message
  not_message,  // sound, but of a Dnstap type other than MESSAGE
};

// `event` is default-constructed; its spans become offsets into `payload`, which the caller copies behind the
// head. Untouched are record_len, bytes_len, arrival_ns, input, units, kind and peer. Without an ok nothing
// in it counts. Addresses that are neither 4 nor 16 bytes, and times past the year 2554 (64 bits of
// nanoseconds), are absent.
[[nodiscard]] DnstapResult walk_dnstap(std::span<const uint8_t> payload, Event& event) noexcept;

}  // namespace weir
