#include "src/config/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

constexpr size_t kLongest = 64;

// Levenshtein's distance, one row at a time.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
  if (name.size() > kLongest) return {};
  std::string_view best;
  size_t best_distance = 4;
  for (std::string_view candidate : known) {
    const size_t allowed = std::max<size_t>(1, std::max(name.size(), candidate.size()) / 3);
    const size_t d = distance(name, candidate);
    if (d <= allowed && d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace weir
