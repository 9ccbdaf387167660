#include "src/config/config_faults.h"

#include <algorithm>

namespace weir {

Error ConfigFaults::error(std::string_view file) const {
  constexpr size_t kMostShown = 20;
  auto sorted = faults_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (size_t i = 0; i < std::min(sorted.size(), kMostShown); ++i) {
    if (i != 0) text += '\n';
    text += file;
    if (sorted[i].first > 0) text += ":" + std::to_string(sorted[i].first);
    text += ": " + sorted[i].second;
  }
  if (sorted.size() > kMostShown)
    text += "\n" + std::string(file) + ": and " + std::to_string(sorted.size() - kMostShown) + " more";
  return Error{text};
}

}  // namespace weir
