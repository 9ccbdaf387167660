// RecordFormat: one event as one record: a line of text, or dnstap frames. Called by RecordOutput on its
// export lcore.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/event.h"

namespace weir {

class RecordFormat {
 public:
  virtual ~RecordFormat() = default;
  // No record is longer; does not change.
  [[nodiscard]] virtual size_t max_record_bytes() const noexcept = 0;
  // Writes the event as a record to `out`, where there is room for max_record_bytes(); returns the end. `seq`
  // counts the events that the output was given.
  virtual char* write(const Event& event, uint64_t seq, char* out) noexcept = 0;
};

}  // namespace weir
