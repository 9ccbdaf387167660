// Which of EAL's arguments the configuration may not name: those that Weir gives itself, and those with which
// EAL would end the program or be another one. Called by plan_eal().
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace weir {

// args: eal.args. An Error names the first that is refused, and what to write instead.
Status check_eal_args(const std::vector<std::string>& args);

}  // namespace weir
