// Whether the packet filters of a configuration, its outputs' too, mean something for what its inputs read.
// Called before anything is started, beside the check of the other things that lie outside of the file: names
// of hosts in a filter are looked up.
#pragma once

#include "core/result.h"
#include "src/config/config.h"

namespace weir {

// All that are wrong, a line each.
Status check_packet_filters(const Config& config);

}  // namespace weir
