// Logging for the control path: to stderr, or to journald when systemd says that stderr is its journal.
#pragma once

#include <string>

#include "core/result.h"

namespace weir {

// level: debug, info, warning, error or off.
Status start_log(const std::string& level);

}  // namespace weir
