// LineFormat: one event as one line of text. Called by LineOutput on its export lcore.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/event.h"

namespace weir {

// No line is longer. A value that does not fit is cut, and the line says which (a message of 64 KiB can be
// made to name a 255-byte name five thousand times).
constexpr size_t kMaxLineBytes = 1U << 20U;

class LineFormat {
 public:
  virtual ~LineFormat() = default;
  // Writes the event as a line with its '\n', the only one in it, to `out`, where there is room for
  // kMaxLineBytes; returns the end. `seq` counts the events that the output was given.
  virtual char* write(const Event& event, uint64_t seq, char* out) noexcept = 0;
};

}  // namespace weir
