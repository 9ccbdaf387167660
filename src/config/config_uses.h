// What a configuration asks for that none of its inputs gives anything to do. Called by check_all(), for a
// configuration whose inputs are all there.
#pragma once

#include <vector>

#include "src/config/config.h"
#include "src/config/config_check.h"

namespace weir {

void check_uses(const Config& config, std::vector<KeyFault>& faults);

}  // namespace weir
