// NamePool: made-up domain names that look like those of an ISP's resolver: words under real top-level
// labels, host labels of a few kinds, some popular, many asked once. Wire form. Used by Traffic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/generate/random.h"

namespace weir {

class NamePool {
 public:
  explicit NamePool(Random& random);

  // A host name, about 28 characters in the mean, at most 120 bytes.
  void host(Random& random, std::string& wire) const;
  // A second-level domain with the same skew.
  [[nodiscard]] std::string_view domain(Random& random) const;
  // The name of an address in in-addr.arpa (RFC 1035 section 3.5) or ip6.arpa (RFC 3596 section 2.5).
  static void reverse(Random& random, bool v6, std::string& wire);

 private:
  std::vector<std::string> domains_;
  std::vector<std::string> hosts_;
};

void append_label(std::string& wire, std::string_view label);

}  // namespace weir
