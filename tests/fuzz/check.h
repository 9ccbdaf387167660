// What must hold whatever the input: else the fuzzer has found something.
#pragma once

#include <cstdlib>

namespace weir {

inline void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace weir
