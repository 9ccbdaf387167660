// LineFault: what can be wrong with a line, as `weir verify` counts it.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

enum class LineFault : uint8_t {
  none,
  not_json,      // does not parse, is not UTF-8, or something stands behind the object
  unknown_key,   // a key that the schema does not have
  repeated_key,  // the same key twice
  wrong_type,    // a value of another type than the schema's
  wrong_value,   // of the right type, but not one that the schema has: a name, a range, a form of text
  missing_key,   // without a key that must be there
  count_
};
std::string_view to_string(LineFault fault) noexcept;

}  // namespace weir
