// Whether the certificates, keys and authorities that a configuration names can be used as they are now:
// read, and key and certificate fit. Called before anything is started.
#pragma once

#include "core/result.h"
#include "src/config/config.h"

namespace weir {

Status check_tls_files(const Config& config);

}  // namespace weir
