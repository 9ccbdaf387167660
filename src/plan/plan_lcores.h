// The part of the plan that says how many lcores do what, on which CPUs, and what they do when there is
// nothing to do. Called by make_plan().
#pragma once

#include "core/result.h"
#include "src/config/config.h"
#include "src/plan/machine.h"
#include "src/plan/plan.h"

namespace weir {

// Fills ingest, decode, export_, lcores, floats, spin, idle_reason, queues and their notes.
Status plan_lcores(const Config& config, const Machine& machine, Plan& plan);
// EAL's --lcores: "(0-3)@(0-1)", or "0@(0-1),1@2,2@3" where lcores are pinned.
std::string lcores_argument(const Plan& plan);

}  // namespace weir
