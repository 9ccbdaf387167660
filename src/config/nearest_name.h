// nearest_name: "did you mean": the known name that a mistyped one is closest to.
#pragma once

#include <string_view>
#include <vector>

namespace weir {

// Empty when none is close: a third of the letters may differ, at most three.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace weir
