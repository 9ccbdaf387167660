// LineFormat: a record that is one line of text: it ends with '\n', the only one in it.
#pragma once

#include "exporters/formats/record_format.h"

namespace weir {

// A value that does not fit is cut, and the line says which (a message of 64 KiB can be made to name a
// 255-byte name five thousand times).
constexpr size_t kMaxLineBytes = 1U << 20U;

class LineFormat : public RecordFormat {
 public:
  [[nodiscard]] size_t max_record_bytes() const noexcept final { return kMaxLineBytes; }
};

}  // namespace weir
