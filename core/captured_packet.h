// CapturedPacket: a copy of a packet as it was on the wire, on its way to a capture file: the record that
// ingest lcores write and the lcore of an output `pcap` reads. Header, then len bytes, padded to 8. Copies
// are no units of the street: they have a balance of their own (docs/decisions/0014).
#pragma once

#include <cstdint>
#include <span>

#include "core/drop.h"

namespace weir {

// Of which packets an output gets copies.
enum class CapturePick : uint8_t {
  all,
  rejected,  // those that the ingest lcore ends with a reason of kind reject
  filter,    // those that an expression matches
};

struct CapturedPacket {
  uint32_t record_len = 0;
  uint32_t len = 0;             // bytes, after the snap length
  uint64_t arrival_ns = 0;      // CLOCK_MONOTONIC of the burst that took it in
  uint64_t time_ns = 0;         // capture time since 1970
  uint32_t wire_len = 0;        // before any snap length
  uint16_t link = 0;            // a value of libpcap's LINKTYPE registry
  uint16_t input = 0;           // index of the input in the configuration
  Drop refused = Drop::count_;  // why the packet ended at once; count_: it did not
  static constexpr uint32_t units = 1;

  [[nodiscard]] std::span<const uint8_t> bytes() const noexcept {
    return {reinterpret_cast<const uint8_t*>(this + 1), len};
  }
  uint8_t* bytes_start() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
};
static_assert(sizeof(CapturedPacket) % 8 == 0);

}  // namespace weir
