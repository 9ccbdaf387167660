// The part of the plan that says what EAL is told: ports, memory, hugepages. Called by make_plan() after
// plan_lcores().
#pragma once

#include "core/result.h"
#include "src/config/config.h"
#include "src/plan/machine.h"
#include "src/plan/plan.h"

namespace weir {

// Fills mbuf_bytes, eal_bytes, packet_ring_bytes, eal_mb, hugepages, pci, vdevs, ports, eal_args and their
// notes.
Status plan_eal(const Config& config, const Machine& machine, Plan& plan);

}  // namespace weir
