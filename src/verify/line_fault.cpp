#include "src/verify/line_fault.h"

namespace weir {

std::string_view to_string(LineFault fault) noexcept {
  switch (fault) {
    case LineFault::none:
      return "none";
    case LineFault::not_json:
      return "not_json";
    case LineFault::unknown_key:
      return "unknown_key";
    case LineFault::repeated_key:
      return "repeated_key";
    case LineFault::wrong_type:
      return "wrong_type";
    case LineFault::wrong_value:
      return "wrong_value";
    case LineFault::missing_key:
      return "missing_key";
    case LineFault::count_:
      break;
  }
  return "?";
}

}  // namespace weir
