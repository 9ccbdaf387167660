// The part of the plan that says which ports the mirror inputs need, and whether the machine has them. Called
// by plan_eal().
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "src/config/config.h"
#include "src/plan/machine.h"
#include "src/plan/plan.h"

namespace weir {

// Fills packet_ring_bytes, pci, vdevs, ports and their notes; devices: EAL's arguments for them.
Status plan_ports(const Config& config, const Machine& machine, Plan& plan,
                  std::vector<std::string>& devices);

}  // namespace weir
