// Plan: what will run where: a pure function of configuration and machine. `weir plan` prints it, the
// pipeline is built from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "src/config.h"

namespace weir {

struct Machine {
  std::vector<unsigned> cpus;           // those this process may run on
  std::vector<unsigned> isolated_cpus;  // kernel's isolcpus
  std::vector<int> numa_of_cpu;         // by CPU number; -1 unknown
  uint64_t memory_bytes = 0;            // available
  uint64_t hugepage_bytes = 0;          // free hugepages
  bool root = false;                    // or has the capabilities that ports need
};
Machine read_machine();

enum class LcoreKind : uint8_t { ingest, decode, export_ };

struct PlanLcore {
  LcoreKind kind = LcoreKind::ingest;
  unsigned index = 0;     // among its kind
  unsigned lcore_id = 0;  // EAL's; 0 is the control thread
  int cpu = -1;           // -1: floats over all
  int numa = -1;
};

struct Plan {
  std::vector<PlanLcore> lcores;
  unsigned ingest = 1, decode = 1, export_ = 1;
  bool spin = false;
  unsigned ring_depth = 0;           // batches
  unsigned ingest_pool_batches = 0;  // a pool of one ingest lcore
  unsigned decode_pool_batches = 0;
  size_t batch_bytes = 0;
  unsigned large_batches = 0;
  size_t large_bytes = 0;    // the largest frame and its head
  uint64_t pool_bytes = 0;   // all pools together
  uint64_t table_bytes = 0;  // all match tables together
  uint64_t mbuf_bytes = 0;   // all ports together
  uint64_t eal_mb = 0;       // for -m
  bool hugepages = false;
  bool pci = false;
  std::vector<std::string> vdevs;     // --vdev arguments, in the order of the mirror inputs
  unsigned ports = 0;                 // that EAL must find
  std::vector<std::string> eal_args;  // argv for rte_eal_init, without the program's name
  // Which queues of which mirror input (index in the configuration) each ingest lcore polls.
  struct QueueAt {
    unsigned input, queue, ingest;
  };
  std::vector<QueueAt> queues;
};

// An Error is a sentence that names the configuration key and the remedy.
Result<Plan> make_plan(const Config& config, const Machine& machine);
// What `weir plan` prints: lcores, rings, pools, memory, EAL arguments.
std::string describe_plan(const Plan& plan, const Config& config);

}  // namespace weir
