// The spools of one output, one for each export lcore, below one directory: DIR/lane-0, DIR/lane-1, … Control
// thread at start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "exporters/spool/spool.h"

namespace weir {

// What an earlier run with more lcores left goes to those that there are. Nobody else may have the directory
// open. An Error begins with the output's name.
Result<std::vector<std::unique_ptr<Spool>>> open_spools(const std::string& output,
                                                        const SpoolOptions& options, unsigned lanes);

}  // namespace weir
