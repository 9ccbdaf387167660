// Files that hold a secret: a password, a private key. Such that others on the machine may read are refused.
// Control thread.
#pragma once

#include <string>

#include "core/result.h"

namespace weir {

// Whether the file is there and not for everybody to read. key: of the configuration, which names it. An
// Error is a sentence that begins with the key.
Status check_secret_file(const std::string& key, const std::string& path);
// Its first line, the same checked. The line is never empty.
Result<std::string> read_secret_file(const std::string& key, const std::string& path);

}  // namespace weir
