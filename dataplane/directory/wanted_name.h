// Which names of a directory's files are taken. Pure function; called by DirectoryKeeper and the check of the
// configuration.
#pragma once

#include <string>
#include <vector>

namespace weir {

[[nodiscard]] bool is_wanted_name(const std::string& name, const std::vector<std::string>& patterns);

}  // namespace weir
