// File inputs: dnstap files and captures, plain or gzip, told apart by their first bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

// One input an ingest lcore (fewer if there are fewer files), the files dealt round; each input reads its
// files one after the other, so that memory does not grow with them and rotated captures stay in order.
// Regular files are looked into at once: one that cannot be read, is empty or is of no known kind is an
// error. The rest (pipes, damage further in) is told by fault() when an input is done; a damaged file does
// not keep the next ones from being read.
Result<std::vector<std::unique_ptr<Input>>> open_files(const FileOptions& options, uint16_t input_index,
                                                       unsigned ingest_lcores);

}  // namespace weir
