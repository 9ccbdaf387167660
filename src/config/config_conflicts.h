// What two parts of a configuration may not both use, and what would come in again that goes out. Called by
// check_all().
#pragma once

#include <vector>

#include "src/config/config.h"
#include "src/config/config_check.h"

namespace weir {

void check_conflicts(const Config& config, std::vector<KeyFault>& faults);

}  // namespace weir
