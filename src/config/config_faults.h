// ConfigFaults: everything that is wrong with a configuration file, so that one run shows it all.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace weir {

class ConfigFaults {
 public:
  // line 0: the file as a whole. message: a sentence without the place, "KEY: what is wrong; expected ...".
  void add(int line, std::string message) { faults_.emplace_back(line, std::move(message)); }
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  // "FILE:LINE: message", one a line, in the order of the file; the first twenty. Precondition: !empty().
  [[nodiscard]] Error error(std::string_view file) const;

 private:
  std::vector<std::pair<int, std::string>> faults_;
};

}  // namespace weir
