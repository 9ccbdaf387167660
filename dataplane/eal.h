// DPDK's environment: the one place that starts and stops it. One EAL per process life. Control thread only,
// which becomes EAL's main lcore.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace weir {

// args: as for DPDK's programs, without the program's name. An Error carries DPDK's own reason. A device that
// could not be probed is no error here: open_mirror() misses its port and says so with eal_said().
Status start_eal(const std::vector<std::string>& args);

// The newest lines that DPDK has logged at warning or worse, with "; " between them. After start_eal() such
// lines are passed on to the program's log too.
std::string eal_said(size_t newest_lines);

// Ports that EAL has found; to be compared with what was configured.
unsigned eal_ports();

// Starts fn(arg) on a worker lcore, which must rest. fn must not throw. Where EAL was not started, on a
// thread that floats: stages without ports need no more, and loading DPDK's drivers takes longer than a small
// file.
Status run_on_lcore(unsigned lcore_id, void (*fn)(void*), void* arg);
// Returns when the lcore has returned from its function, at once if it rests.
void wait_for_lcore(unsigned lcore_id);

// After every lcore rests and every port was closed. EAL cannot be started again.
void stop_eal();

}  // namespace weir
