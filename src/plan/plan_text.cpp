// describe_plan: the plan as a table for people.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_check.h"
#include "src/config/key_value.h"
#include "src/plan/plan.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;

using Row = std::vector<std::string>;

// Columns as wide as their widest cell; the last one is not padded.
std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> width;
  for (const Row& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (size_t i = 0; i < row.size(); ++i) {
      line += " " + row[i];
      if (i + 1 < row.size()) line += std::string(width[i] - row[i].size() + 1, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string mib(uint64_t bytes) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / static_cast<double>(kMiB));
  return text;
}

std::string counted(unsigned n, std::string_view thing) {
  return std::to_string(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

void append(std::string& list, std::string_view separator, const std::string& item) {
  if (!list.empty()) list += separator;
  list += item;
}

std::string queues_of(const Plan& plan, unsigned input, unsigned ingest) {
  std::vector<unsigned> queues;
  for (const Plan::QueueAt& at : plan.queues)
    if (at.input == input && at.ingest == ingest) queues.push_back(at.queue);
  return queues.empty() ? "" : (queues.size() == 1 ? "queue " : "queues ") + cpu_list_text(queues);
}

std::string polled_by(const Plan& plan, const Config& config, unsigned ingest) {
  std::string polls;
  for (unsigned i = 0; i < config.inputs.size(); ++i) {
    if (const auto* dnstap = std::get_if<DnstapInputOptions>(&config.inputs[i])) {
      if (dnstap->listen)
        append(polls, "; ", dnstap->name + ": connections to " + to_string(*dnstap->listen));
      else if (i % plan.ingest == ingest)  // as open_dnstap_dialer() does
        append(polls, "; ", dnstap->name + ": the connection to " + to_string(*dnstap->connect));
    } else if (const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i])) {
      const std::string queues = queues_of(plan, i, ingest);
      if (!queues.empty())
        append(polls, "; ",
               mirror->name + ": " + queues + " of " +
                   (mirror->interface.empty() ? mirror->port : mirror->interface));
    } else if (const auto* directory = std::get_if<DirectoryOptions>(&config.inputs[i])) {
      if (i % plan.ingest == ingest)  // as open_directory() does
        append(polls, "; ", directory->name + ": files in " + directory->path + ", then " + directory->after);
    } else if (const auto* file = std::get_if<FileOptions>(&config.inputs[i])) {
      // Files are dealt round, as open_files() does.
      const size_t files =
          file->paths.size() / plan.ingest + (ingest < file->paths.size() % plan.ingest ? 1 : 0);
      if (files > 0) append(polls, "; ", file->name + ": " + counted(static_cast<unsigned>(files), "file"));
    }
  }
  return polls.empty() ? "nothing" : polls;
}

std::string output_names(const Plan& plan, const Config& config, unsigned lane) {
  std::string names;
  unsigned captures = 0;
  for (const OutputConfig& output : config.outputs) {
    if (std::holds_alternative<PcapOptions>(output) && plan.lane_of_capture(captures++) != lane) continue;
    append(names, ", ", std::visit([](const auto& options) { return options.name; }, output));
  }
  return names;
}

std::string work_of(const PlanStage& stage, const Plan& plan, const Config& config) {
  switch (stage.kind) {
    case LcoreKind::ingest:
      return polled_by(plan, config, stage.index);
    case LcoreKind::decode:
      return "shard " + std::to_string(stage.index) + ", to export " +
             std::to_string(stage.index % plan.export_);
    case LcoreKind::export_: {
      std::vector<unsigned> shards;
      for (unsigned s = stage.index; s < plan.decode; s += plan.export_) shards.push_back(s);
      std::string text = shards.size() == 1 ? "shard " : "shards ";
      for (size_t i = 0; i < shards.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shards[i]);
      return text + "; writes " + output_names(plan, config, stage.index);
    }
  }
  return {};
}

std::string lcores_text(const Plan& plan, const Config& config) {
  constexpr std::string_view kKinds[] = {"ingest", "decode", "export"};
  std::vector<Row> rows = {{"lcore", "runs", "CPU", "NUMA", "work"}};
  const std::string floats = cpu_list_text(plan.floats);
  rows.push_back({"0", "control", floats, "-", "signals, metrics, messages"});
  for (const PlanLcore& lcore : plan.lcores)
    for (const PlanStage& stage : lcore.stages)
      rows.push_back(
          {std::to_string(lcore.lcore_id),
           std::string(kKinds[static_cast<size_t>(stage.kind)]) + " " + std::to_string(stage.index),
           lcore.cpu < 0 ? floats : std::to_string(lcore.cpu),
           lcore.numa < 0 ? "-" : std::to_string(lcore.numa), work_of(stage, plan, config)});
  return "lcores: " + std::to_string(plan.ingest) + " ingest, " + std::to_string(plan.decode) + " decode, " +
         std::to_string(plan.export_) + " export" +
         (plan.share ? " on " + counted(static_cast<unsigned>(plan.lcores.size()), "lcore") : "") +
         "; idle: " + (plan.spin ? "spin" : "adaptive") + " (" + plan.idle_reason + ")\n" + table(rows);
}

std::string rings_text(const Plan& plan) {
  const std::string depth = std::to_string(plan.ring_depth) + " batches of " + bytes_text(plan.batch_bytes);
  std::vector<Row> rows = {{"rings", "from", "to", "each holds"},
                           {std::to_string(plan.ingest * plan.decode), "ingest", "decode", depth},
                           {std::to_string(plan.decode), "decode", "export", depth}};
  if (plan.captures != 0)
    rows.push_back({std::to_string(plan.ingest * plan.captures), "ingest", "pcap outputs",
                    std::to_string(plan.ring_depth) + " batches of copies"});
  return "rings\n" + table(rows);
}

std::string memory_text(const Plan& plan, const Config& config) {
  const auto sum = [&](unsigned lcores, unsigned batches) {
    return mib(uint64_t{lcores} * batches * plan.batch_bytes);
  };
  const auto batches = [&](unsigned lcores, const char* kind, unsigned of_each) {
    return counted(lcores, std::string(kind) + " lcore") + " x " + std::to_string(of_each) + " of " +
           bytes_text(plan.batch_bytes);
  };
  const uint64_t program = plan.memory_bytes() - plan.pool_bytes - plan.large_pool_bytes - plan.stream_bytes -
                           plan.table_bytes - plan.reassembly_bytes - plan.eal_bytes -
                           plan.packet_ring_bytes - plan.capture_bytes - plan.backlog_bytes;
  std::vector<Row> rows = {
      {"frame batches", sum(plan.ingest, plan.ingest_pool_batches),
       batches(plan.ingest, "ingest", plan.ingest_pool_batches)},
      {"event batches", sum(plan.decode, plan.decode_pool_batches),
       batches(plan.decode, "decode", plan.decode_pool_batches)},
      {"large batches", mib(plan.large_pool_bytes),
       counted(plan.ingest + plan.decode, "lcore") + " x " + std::to_string(plan.large_batches) +
           " of up to " + std::to_string(plan.large_bytes) + " bytes, only while such frames are there"}};
  if (plan.stream_bytes != 0)
    rows.push_back(
        {"dnstap streams", mib(plan.stream_bytes), "read buffers and unfinished frames, if senders stall"});
  if (plan.table_bytes != 0)
    rows.push_back({"match tables", mib(plan.table_bytes),
                    counted(plan.decode, "shard") + " x " + std::to_string(plan.table_entries) + " entries"});
  if (plan.reassembly_bytes != 0)
    rows.push_back({"reassembly", mib(plan.reassembly_bytes), "IP fragments and TCP streams, when full"});
  if (plan.eal_bytes != 0)
    rows.push_back({"packet buffers", mib(plan.eal_bytes),
                    counted(plan.ports, "port") +
                        (config.eal.memory != 0 ? ", all of eal.memory" : ", in EAL's memory")});
  if (plan.packet_ring_bytes != 0)
    rows.push_back({"packet rings", mib(plan.packet_ring_bytes), "shared with the kernel (AF_PACKET)"});
  if (plan.capture_bytes != 0)
    rows.push_back({"copies", mib(plan.capture_bytes),
                    counted(plan.ingest * plan.captures, "ring") + " x " +
                        std::to_string(plan.capture_pool_batches) + " batches, when pcap outputs are slow"});
  if (plan.backlog_bytes != 0)
    rows.push_back({"output backlog", mib(plan.backlog_bytes), "when outputs are slow"});
  rows.push_back({"program", mib(program), "code, libraries, stacks"});
  rows.push_back({"all", mib(plan.memory_bytes()),
                  plan.available_bytes == 0 ? "" : "of " + mib(plan.available_bytes) + " available"});
  return "memory, at most\n" + table(rows);
}

std::string eal_text(const Plan& plan) {
  std::string args;
  for (const std::string& arg : plan.eal_args)
    args += " " + (arg.find_first_of("( ") == std::string::npos ? arg : "'" + arg + "'");
  return "EAL: " + counted(plan.ports, "port") + ", " + (plan.hugepages ? "hugepages" : "no hugepages") +
         ", " + std::to_string(plan.eal_mb) + " MiB\n " + args + "\n";
}

}  // namespace

std::string describe_plan(const Plan& plan, const Config& config) {
  std::string text =
      lcores_text(plan, config) + rings_text(plan) + memory_text(plan, config) + eal_text(plan);
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace weir
