#include "dataplane/directory/wanted_name.h"

#include <fnmatch.h>

#include <algorithm>

namespace weir {

bool is_wanted_name(const std::string& name, const std::vector<std::string>& patterns) {
  if (name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp")) return false;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

}  // namespace weir
