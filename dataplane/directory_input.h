// A directory as an input: its files are taken as they are closed or renamed in, one after the other, and
// kept, deleted or moved when their lines are out (docs/decisions/0011).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

// One input, on ingest lcore input_index mod ingest_lcores, which reads the files in the order of their last
// writes; a thread beside it looks after the directory. ways: of FrameWriter, which all lead to outputs. A
// directory that is not there is waited for; an Error names the key and the remedy.
Result<std::vector<std::unique_ptr<Input>>> open_directory(const DirectoryOptions& options,
                                                           uint16_t input_index, unsigned ingest_lcores,
                                                           unsigned ways);

}  // namespace weir
