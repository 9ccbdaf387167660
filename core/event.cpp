#include "core/event.h"

namespace weir {

std::string_view to_string(Malformed malformed) noexcept {
  switch (malformed) {
    case Malformed::none:
      return "none";
    case Malformed::header_short:
      return "header_short";
    case Malformed::question_cut:
      return "question_cut";
    case Malformed::name_bad:
      return "name_bad";
    case Malformed::rr_cut:
      return "rr_cut";
    case Malformed::rdata_bad:
      return "rdata_bad";
    case Malformed::opt_bad:
      return "opt_bad";
    case Malformed::trailing_bytes:
      return "trailing_bytes";
    case Malformed::capture_cut:
      return "capture_cut";
    case Malformed::count_:
      break;
  }
  return "unknown";
}

}  // namespace weir
