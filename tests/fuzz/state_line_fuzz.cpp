// Lines of a state file: any bytes are refused, or an entry that is written as the same line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataplane/directory/state_line.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto entry = weir::parse_state_line(text)) require(weir::parse_state_line(text) == entry);

  // A checksum is not found by chance: an entry of these bytes, there and back.
  const size_t half = size / 2;
  const weir::StateEntry entry{.id = {size, half, ~size},
                               .name = "n" + std::string(text.substr(0, half)),
                               .reason = std::string(text.substr(half))};
  const std::string line = weir::state_line(entry);
  require(line.find('\n') == line.size() - 1);
  require(weir::parse_state_line(std::string_view(line).substr(0, line.size() - 1)) == entry);
  return 0;
}
