// Why DPDK has no port for a mirror input, as a sentence with the remedy. Control thread.
#pragma once

#include "core/result.h"
#include "dataplane/input_options.h"
#include "dataplane/mirror_eal.h"

namespace weir {

// sysfs: where the kernel lists PCI devices; tests give their own.
Error missing_port(const MirrorOptions& options, const MirrorEal& eal,
                   const std::string& sysfs = "/sys/bus/pci/devices");

}  // namespace weir
