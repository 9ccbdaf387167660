// Mirrored traffic: opens a mirror input's port or interface and gives its queues as Inputs, each polled by
// the ingest lcore that the plan gave it. Called by the pipeline on the control thread, after start_eal().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

// input: index in the configuration; nth: number among the mirror inputs, as for eal_arguments();
// ingest_lcore_of_queue: one entry a queue. Packets come in from now on. The port is closed with the last of
// its Inputs, which must be before stop_eal().
Result<std::vector<std::unique_ptr<Input>>> open_mirror(const MirrorOptions& options, uint16_t input,
                                                        unsigned nth,
                                                        const std::vector<unsigned>& ingest_lcore_of_queue);

}  // namespace weir
