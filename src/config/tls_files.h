// Whether the certificates, keys, authorities and passwords that a configuration names can be used as they
// are now: read, and key and certificate fit; and whether the parts that it needs are in this build. Called
// before anything is started.
#pragma once

#include "core/result.h"
#include "src/config/config.h"

namespace weir {

Status check_tls_files(const Config& config);

}  // namespace weir
