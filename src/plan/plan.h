// Plan: what will run where: a pure function of configuration and machine. `weir plan` prints it, the
// pipeline is built from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "src/config/config.h"
#include "src/plan/machine.h"

namespace weir {

enum class LcoreKind : uint8_t { ingest, decode, export_ };

struct PlanStage {
  LcoreKind kind = LcoreKind::ingest;
  unsigned index = 0;  // among its kind
};

struct PlanLcore {
  std::vector<PlanStage> stages;  // one, or several that share the lcore, in the order of the street
  unsigned lcore_id = 0;          // EAL's; 0 is the control thread
  int cpu = -1;                   // -1: floats over all
  int numa = -1;
};

struct Plan {
  std::vector<PlanLcore> lcores;
  unsigned ingest = 1, decode = 1, export_ = 1;
  bool share = false;  // stages of the same number run on one lcore
  bool spin = false;
  unsigned rest_limit_ms = 0;    // after a second without work, if not spin
  std::string idle_reason;       // why spin or not, for describe_plan
  std::vector<unsigned> floats;  // CPUs that lcores without one of their own float over

  unsigned ring_depth = 0;           // batches
  unsigned ingest_pool_batches = 0;  // a pool of one ingest lcore
  unsigned decode_pool_batches = 0;
  size_t batch_bytes = 0;
  unsigned large_batches = 0;
  size_t large_bytes = 0;  // the largest frame and its head

  unsigned captures = 0;              // outputs `pcap`
  unsigned capture_pool_batches = 0;  // a pool of one ingest lcore and one such output
  [[nodiscard]] size_t capture_batch_bytes(uint32_t snap_length) const;
  // The export lcore of the nth such output.
  [[nodiscard]] unsigned lane_of_capture(unsigned nth) const { return nth % export_; }

  uint64_t pool_bytes = 0;        // all pools together
  uint64_t large_pool_bytes = 0;  // if every large batch were in use and as large as may be
  uint64_t stream_bytes = 0;      // read buffers and unfinished frames of dnstap connections
  uint64_t table_entries = 0;     // of a shard's match tables, one for packets, one for dnstap that is paired
  uint64_t table_bytes = 0;       // all match tables together
  uint64_t reassembly_bytes = 0;  // IP fragments and TCP streams, all queues and files together
  uint64_t mbuf_bytes = 0;        // all ports together
  uint64_t eal_bytes = 0;         // mbuf_bytes, or all of eal.memory where that is told
  uint64_t capture_bytes = 0;     // pools of copies, all together
  uint64_t packet_ring_bytes = 0;  // AF_PACKET's, all interfaces together
  uint64_t backlog_bytes = 0;      // of all outputs, when full
  uint64_t available_bytes = 0;    // the machine's; 0: unknown
  // At most. What is not used is not resident.
  [[nodiscard]] uint64_t memory_bytes() const;

  uint64_t eal_mb = 0;  // for -m
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
  // What will work, but not well: sentences for the operator.
  std::vector<std::string> notes;
};

// An Error is a sentence that names the configuration key and the remedy.
Result<Plan> make_plan(const Config& config, const Machine& machine);
// What `weir plan` prints: lcores, rings, memory, EAL arguments, notes.
std::string describe_plan(const Plan& plan, const Config& config);

}  // namespace weir
