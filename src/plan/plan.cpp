#include "src/plan/plan.h"

#include <algorithm>
#include <string>

#include "core/event.h"
#include "core/frame.h"
#include "core/packet_info.h"
#include "dataplane/capture_tap.h"
#include "decoder/transfers.h"
#include "decoder/wire_store.h"
#include "src/config/config_check.h"
#include "src/plan/plan_eal.h"
#include "src/plan/plan_lcores.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;
// What an entry of a match table takes at most: its keys and the message that waits, on average.
constexpr uint64_t kTableEntryBytes = 384;
// Beside what the plan lists: the program, its libraries, DPDK's drivers, stacks. Measured.
constexpr uint64_t kProgramBytes = 48 * kMiB;
constexpr size_t kLargestDnsMessage = 65'535;

bool has_packets(const Config& config) {
  return std::any_of(config.inputs.begin(), config.inputs.end(),
                     [](const InputConfig& input) { return packet_options(input) != nullptr; });
}

// Of dnstap: 0 for other inputs.
struct FramesOf {
  uint32_t limit = 0;
  bool pair = false;
};
FramesOf frames_of(const InputConfig& input) {
  if (const auto* dnstap = std::get_if<DnstapInputOptions>(&input))
    return {dnstap->frame_limit, dnstap->pair};
  if (const auto* file = std::get_if<FileOptions>(&input)) return {file->frame_limit, file->pair};
  if (const auto* directory = std::get_if<DirectoryOptions>(&input))
    return {directory->frame_limit, directory->pair};
  return {};
}

bool has_pairs(const Config& config) {
  return std::any_of(config.inputs.begin(), config.inputs.end(),
                     [](const InputConfig& input) { return frames_of(input).pair; });
}

// An event holds one dnstap frame, or a query and its response: of these one at least has waited.
size_t largest_record(const Config& config) {
  size_t payload = has_packets(config) ? 2 * (kLargestDnsMessage + kMaxPacketInfo) : 0;
  for (const InputConfig& input : config.inputs) {
    const FramesOf frames = frames_of(input);
    payload = std::max(payload, frames.limit + (frames.pair ? WireStore::kMaxWire : 0));
  }
  constexpr size_t kHeads = std::max(sizeof(Frame), sizeof(Event)) + 64;  // and what pads records to 8
  return payload + kHeads;
}

// Each queue puts its packets together, and each file that is open.
uint64_t readers_of_packets(const Config& config, const Plan& plan) {
  uint64_t readers = 0;
  for (const InputConfig& input : config.inputs) {
    if (const auto* mirror = std::get_if<MirrorOptions>(&input)) readers += mirror->queues;
    if (const auto* file = std::get_if<FileOptions>(&input))
      readers += std::min<uint64_t>(file->paths.size(), plan.ingest);
    if (std::holds_alternative<DirectoryOptions>(input)) readers += 1;
  }
  return readers;
}

void plan_pools(const Config& config, Plan& plan) {
  plan.ring_depth = config.rings.depth;
  plan.batch_bytes = config.rings.batch_bytes;
  plan.large_batches = config.rings.large_batches;
  plan.large_bytes = largest_record(config);
  // A full ring, one batch open, one being read and one on its way home, for each ring; the export lcore may
  // keep a batch longer, while it waits for an output.
  plan.ingest_pool_batches = plan.decode * (plan.ring_depth + 3);
  plan.decode_pool_batches = plan.ring_depth + 4;
  plan.capture_pool_batches = plan.ring_depth + 4;
  const uint64_t pools = plan.ingest + plan.decode;
  plan.pool_bytes =
      (uint64_t{plan.ingest} * plan.ingest_pool_batches + uint64_t{plan.decode} * plan.decode_pool_batches) *
      plan.batch_bytes;
  plan.large_pool_bytes = pools * plan.large_batches * plan.large_bytes;
  for (const InputConfig& input : config.inputs) {
    const auto* dnstap = std::get_if<DnstapInputOptions>(&input);
    if (dnstap == nullptr) continue;
    const uint64_t connections = dnstap->listen ? dnstap->max_connections : 1;
    const uint64_t held =
        std::min<uint64_t>(DnstapInputOptions::kMostHeld, connections * dnstap->frame_limit);
    plan.stream_bytes += (dnstap->listen ? plan.ingest : 1) * (held + dnstap->read_buffer);
  }
  plan.reassembly_bytes =
      readers_of_packets(config, plan) * (Fragments::memory_bytes(config.reassembly.fragments()) +
                                          TcpStreams::memory_bytes(config.reassembly.tcp()));
  plan.table_entries =
      config.match.table_entries * (uint64_t{has_packets(config)} + uint64_t{has_pairs(config)});
  plan.table_bytes = plan.decode * (plan.table_entries * kTableEntryBytes +
                                    (config.match.whole_transfers ? Transfers::kMostBytes : 0));
  for (const OutputConfig& output : config.outputs) {
    const auto* pcap = std::get_if<PcapOptions>(&output);
    if (pcap != nullptr) {
      ++plan.captures;
      plan.capture_bytes +=
          uint64_t{plan.ingest} * plan.capture_pool_batches * plan.capture_batch_bytes(pcap->snap_length);
    }
    const Delivery* delivery = delivery_of(output);
    const bool keeps_none =
        delivery != nullptr && delivery->to && delivery->to->scheme == Target::Scheme::null;
    if (const Waiting* waiting = waiting_of(output); waiting != nullptr && !keeps_none)
      plan.backlog_bytes += waiting->backlog * (pcap != nullptr ? 1 : plan.export_);
  }
}

// A file counts as done, and is deleted, though an output dropped its lines.
void note_outputs_that_drop(const Config& config, Plan& plan) {
  const bool takes_files =
      std::any_of(config.inputs.begin(), config.inputs.end(),
                  [](const InputConfig& input) { return std::holds_alternative<DirectoryOptions>(input); });
  for (size_t i = 0; takes_files && i < config.outputs.size(); ++i) {
    const auto* dnstap = std::get_if<DnstapOptions>(&config.outputs[i]);
    if (dnstap != nullptr && dnstap->listen) continue;  // it keeps nothing for who may never come
    const Waiting* waiting = waiting_of(config.outputs[i]);
    const bool drops = waiting != nullptr && (waiting->when_full == WhenFull::drop_newest ||
                                              waiting->when_full == WhenFull::drop_oldest);
    if (drops)
      plan.notes.push_back(output_path(config, i) +
                           ".when_full: drops; files of a directory count as done though some of their "
                           "lines or packets were dropped here. Write block, and their reading waits");
  }
}

// The largest part names the key to lower.
std::string largest_part(const Plan& plan, const Config& config) {
  struct Part {
    uint64_t bytes;
    const char* remedy;
  };
  const Part parts[] = {
      {plan.pool_bytes, "rings.depth, rings.batch_bytes or lcores"},
      {plan.large_pool_bytes, "rings.large_batches, frame_limit or lcores"},
      {plan.stream_bytes, "frame_limit, max_connections or lcores.ingest"},
      {plan.table_bytes, "match.table_entries"},
      {plan.reassembly_bytes, "reassembly.memory, .streams, .fragment_memory or .datagrams"},
      {plan.eal_bytes, config.eal.memory != 0 ? "eal.memory, or write eal.memory: auto"
                                              : "the mirror inputs' mbufs or queues"},
      {plan.packet_ring_bytes, "the mirror inputs' mbufs or queues"},
      {plan.capture_bytes, "the pcap outputs' snap_length, rings.depth or lcores.ingest"},
      {plan.backlog_bytes, "the outputs' backlog or lcores.export"},
  };
  return std::max_element(std::begin(parts), std::end(parts),
                          [](const Part& a, const Part& b) { return a.bytes < b.bytes; })
      ->remedy;
}

}  // namespace

size_t Plan::capture_batch_bytes(uint32_t snap_length) const {
  return std::max(batch_bytes, CaptureTap::batch_bytes_for(snap_length));
}

uint64_t Plan::memory_bytes() const {
  return kProgramBytes + pool_bytes + large_pool_bytes + stream_bytes + table_bytes + reassembly_bytes +
         eal_bytes + capture_bytes + packet_ring_bytes + backlog_bytes;
}

Result<Plan> make_plan(const Config& config, const Machine& machine) {
  Plan plan;
  plan.available_bytes = machine.memory_bytes;
  if (Status planned = plan_lcores(config, machine, plan); !planned) return planned.error();
  plan_pools(config, plan);
  note_outputs_that_drop(config, plan);
  if (Status planned = plan_eal(config, machine, plan); !planned) return planned.error();
  const uint64_t here = plan.hugepages ? plan.memory_bytes() - plan.eal_bytes : plan.memory_bytes();
  if (machine.memory_bytes != 0 && here > machine.memory_bytes)
    return Error{"memory: the plan may need " + std::to_string(here / kMiB) + " MiB, but " +
                 std::to_string(machine.memory_bytes / kMiB) + " MiB are available; lower " +
                 largest_part(plan, config)};
  return plan;
}

}  // namespace weir
