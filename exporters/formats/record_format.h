// RecordFormat: one event as one record: a line of text, or dnstap frames; or one packet as a capture file's.
// Called by RecordOutput on its export lcore.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/captured_packet.h"
#include "core/drop.h"
#include "core/event.h"

namespace weir {

// From: what comes over the ring, Event or CapturedPacket.
template <class From>
class RecordFormatOf {
 public:
  virtual ~RecordFormatOf() = default;
  // No record is longer; does not change.
  [[nodiscard]] virtual size_t max_record_bytes() const noexcept = 0;
  // Writes it as a record to `out`, where there is room for max_record_bytes(); returns the end, or `out`
  // where it cannot be written: why_nothing() then is the reason. `seq` counts what the output was given.
  virtual char* write(const From& from, uint64_t seq, char* out) noexcept = 0;
  [[nodiscard]] virtual Drop why_nothing() const noexcept { return Drop::write_failed; }
};
using RecordFormat = RecordFormatOf<Event>;

}  // namespace weir
