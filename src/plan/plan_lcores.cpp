#include "src/plan/plan_lcores.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

namespace weir {
namespace {

constexpr unsigned kMostLcores = RTE_MAX_LCORE - 1;  // without the control thread's

struct Counts {
  unsigned ingest = 1, decode = 1, export_ = 1;
  [[nodiscard]] unsigned all() const { return ingest + decode + export_; }
};

// Lcores that float. The JSON text is the dearest part: measured, ingest : decode : export is about 1 : 1 : 2
// in CPU time. A decode lcore feeds one export lcore, so that there are at least as many of them, each half
// busy.
Counts counts_for_cpus(unsigned cpus) {
  Counts counts;
  counts.export_ = std::clamp(cpus / 2, 1U, 16U);
  counts.decode = counts.export_;
  counts.ingest = std::clamp((cpus + 2) / 4, 1U, 8U);
  return counts;
}

// Lcores that are pinned, one a CPU as far as three are there.
Counts counts_for_pins(unsigned pins) {
  Counts counts;
  counts.ingest = std::max(1U, (pins + 2) / 5);
  unsigned rest = std::max(2U, pins - std::min(pins, counts.ingest));
  if (rest % 2 == 1 && rest > 3) {
    ++counts.ingest;
    --rest;
  }
  counts.export_ = rest / 2;
  counts.decode = rest - counts.export_;
  return counts;
}

bool only_files(const Config& config) {
  return std::all_of(config.inputs.begin(), config.inputs.end(),
                     [](const InputConfig& input) { return std::holds_alternative<FileOptions>(input); });
}

// How many ingest lcores have something to poll.
unsigned useful_ingest(const Config& config) {
  unsigned useful = 0;
  for (const InputConfig& input : config.inputs) {
    if (const auto* dnstap = std::get_if<DnstapInputOptions>(&input)) {
      if (dnstap->listen) return kMostLcores;  // connections are dealt round
      ++useful;
    }
    if (const auto* mirror = std::get_if<MirrorOptions>(&input)) useful += mirror->queues;
    if (std::holds_alternative<DirectoryOptions>(input)) ++useful;
    if (const auto* file = std::get_if<FileOptions>(&input))
      useful = std::max(useful, static_cast<unsigned>(std::min<size_t>(file->paths.size(), kMostLcores)));
  }
  return useful;
}

// CPUs that the process may use, by its cgroup's share of them.
unsigned granted_cpus(const Machine& machine) {
  const auto cpus = static_cast<unsigned>(std::max<size_t>(machine.cpus.size(), 1));
  if (machine.cpu_quota <= 0) return cpus;
  return std::clamp(static_cast<unsigned>(std::ceil(machine.cpu_quota)), 1U, cpus);
}

Result<Counts> choose_counts(const Config& config, const Machine& machine) {
  const LcoreConfig& told = config.lcores;
  Counts counts = told.cpus.empty() ? counts_for_cpus(granted_cpus(machine))
                                    : counts_for_pins(static_cast<unsigned>(told.cpus.size()));
  // Files in turn, so that captures of one day stay in the order of their packets and every run gives the
  // same lines.
  if (only_files(config)) counts.ingest = 1;
  counts.ingest = std::min(counts.ingest, useful_ingest(config));
  if (told.ingest != 0) counts.ingest = told.ingest;
  // One ingest lcore keeps two export lcores busy.
  if (told.cpus.empty()) {
    counts.export_ = std::min(counts.export_, 2 * counts.ingest);
    counts.decode = counts.export_;
  }
  if (told.export_ != 0) {
    counts.export_ = told.export_;
    counts.decode = (std::max(counts.decode, told.export_) + told.export_ - 1) / told.export_ * told.export_;
  }
  if (told.decode != 0) {
    counts.decode = told.decode;
    if (told.export_ == 0) counts.export_ = std::min(counts.export_, told.decode);
  }
  if (counts.export_ > counts.decode)
    return Error{
        "lcores.export: " + std::to_string(counts.export_) + " is more than lcores.decode, " +
        std::to_string(counts.decode) +
        ": an export lcore without a decode lcore has nothing to write; lower export or raise decode"};
  if (told.share != Share::on && counts.all() > kMostLcores)
    return Error{"lcores: " + std::to_string(counts.ingest) + " ingest, " + std::to_string(counts.decode) +
                 " decode and " + std::to_string(counts.export_) + " export are more than the " +
                 std::to_string(kMostLcores) + " lcores that DPDK takes; lower them"};
  return counts;
}

bool contains(const std::vector<unsigned>& cpus, unsigned cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

Status check_pins(const std::vector<unsigned>& pins, const Machine& machine, unsigned lcores) {
  std::set<unsigned> seen;
  for (unsigned cpu : pins) {
    if (!seen.insert(cpu).second)
      return Error{"lcores.cpus: CPU " + std::to_string(cpu) +
                   " is named twice; name each once, lcores share them by themselves if there are more"};
    if (!contains(machine.cpus, cpu) && !contains(machine.isolated_cpus, cpu))
      return Error{"lcores.cpus: there is no CPU " + std::to_string(cpu) + " for this process; it may use " +
                   cpu_list_text(machine.cpus) + " (see taskset -p and cgroups)"};
  }
  if (pins.size() > lcores)
    return Error{"lcores.cpus: " + std::to_string(pins.size()) + " CPUs are named for " +
                 std::to_string(lcores) + " lcores; name " + std::to_string(lcores) +
                 ", or raise lcores.ingest, decode or export"};
  return Ok{};
}

bool has_ports(const Config& config) {
  return std::any_of(config.inputs.begin(), config.inputs.end(),
                     [](const InputConfig& input) { return std::holds_alternative<MirrorOptions>(input); });
}

// Cache misses between CPUs and switches cost more than a second CPU gives where three lcores would take
// turns on two (docs/decisions/0007). A port's buffers are small: what polls it must not wait for a disk.
bool shares(const Config& config, const Machine& machine) {
  const LcoreConfig& told = config.lcores;
  if (told.share != Share::automatic) return told.share == Share::on;
  const bool numbers = told.ingest != 0 || told.decode != 0 || told.export_ != 0 || !told.cpus.empty();
  return !numbers && !has_ports(config) && granted_cpus(machine) < 3;
}

unsigned most_of_a_kind(const Plan& plan) { return std::max({plan.ingest, plan.decode, plan.export_}); }

void place(const Config& config, const Machine& machine, Plan& plan) {
  const std::vector<unsigned>& pins = config.lcores.cpus;
  const auto add = [&](std::vector<PlanStage> stages) {
    PlanLcore lcore;
    lcore.stages = std::move(stages);
    lcore.lcore_id = static_cast<unsigned>(plan.lcores.size()) + 1;
    if (!pins.empty()) {
      const unsigned cpu = pins[plan.lcores.size() % pins.size()];
      lcore.cpu = static_cast<int>(cpu);
      if (cpu < machine.numa_of_cpu.size()) lcore.numa = machine.numa_of_cpu[cpu];
    }
    plan.lcores.push_back(std::move(lcore));
  };
  const std::pair<LcoreKind, unsigned> kinds[] = {
      {LcoreKind::ingest, plan.ingest}, {LcoreKind::decode, plan.decode}, {LcoreKind::export_, plan.export_}};
  if (plan.share) {
    for (unsigned i = 0; i < most_of_a_kind(plan); ++i) {
      std::vector<PlanStage> stages;
      for (const auto& [kind, count] : kinds)
        if (i < count) stages.push_back({kind, i});
      add(std::move(stages));
    }
  } else {
    for (const auto& [kind, count] : kinds)
      for (unsigned i = 0; i < count; ++i) add({{kind, i}});
  }
  // The control thread stays off the pinned CPUs where others are left.
  for (unsigned cpu : machine.cpus)
    if (!contains(pins, cpu)) plan.floats.push_back(cpu);
  if (plan.floats.empty()) plan.floats = machine.cpus;
  if (plan.floats.empty()) plan.floats = {0};
}

Status choose_idle(const Config& config, const Machine& machine, Plan& plan) {
  // A NIC's descriptors and the rings behind it hold a few milliseconds of a burst; what a socket does not
  // take, its sender keeps. A wake-up costs up to 14 µs.
  plan.rest_limit_ms = has_ports(config) ? 2 : 10;
  const auto lcores = plan.lcores.size();
  const std::vector<unsigned>& pins = config.lcores.cpus;
  const size_t cpus = pins.empty() ? std::max<size_t>(machine.cpus.size(), 1) : pins.size();
  const bool own_cpu = lcores <= cpus;
  const std::string crowd = std::to_string(lcores) + " lcores on " + std::to_string(cpus) + " CPUs";
  switch (config.lcores.idle) {
    case IdlePolicy::adaptive:
      plan.idle_reason = "lcores.idle says so";
      return Ok{};
    case IdlePolicy::spin:
      if (!own_cpu)
        return Error{
            "lcores.idle: spin needs a CPU for each lcore, but there are " + crowd +
            ", and a spinning lcore would keep the others from their work; lower the lcores or set idle: "
            "adaptive"};
      plan.spin = true;
      plan.idle_reason = "lcores.idle says so";
      if (pins.empty())
        plan.notes.emplace_back(
            "lcores.idle: spin without lcores.cpus: lcores float, and two of them may meet on one CPU; pin "
            "them");
      return Ok{};
    case IdlePolicy::automatic:
      break;
  }
  if (!own_cpu) {
    plan.idle_reason = crowd;
  } else if (pins.empty()) {
    plan.idle_reason = "lcores are not pinned";
  } else if (!std::all_of(pins.begin(), pins.end(),
                          [&](unsigned cpu) { return contains(machine.isolated_cpus, cpu); })) {
    plan.idle_reason = "not all of the CPUs are isolated (isolcpus)";
  } else {
    plan.spin = true;
    plan.idle_reason = "each lcore has an isolated CPU of its own";
  }
  return Ok{};
}

void deal_queues(const Config& config, Plan& plan) {
  unsigned next = 0;
  for (unsigned i = 0; i < config.inputs.size(); ++i)
    if (const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i]))
      for (unsigned queue = 0; queue < mirror->queues; ++queue)
        plan.queues.push_back({.input = i, .queue = queue, .ingest = next++ % plan.ingest});
}

void note_counts(const Config& config, const Machine& machine, Plan& plan) {
  if (plan.ingest > useful_ingest(config))
    plan.notes.push_back("lcores.ingest: " + std::to_string(plan.ingest) + " lcores for " +
                         std::to_string(useful_ingest(config)) +
                         " queues and files; the others have nothing to do");
  if (plan.decode % plan.export_ != 0)
    plan.notes.push_back("lcores: " + std::to_string(plan.decode) + " decode lcores on " +
                         std::to_string(plan.export_) +
                         " export lcores is uneven; make decode a multiple of export");
  if (!machine.cpus.empty() && plan.lcores.size() > 4 * machine.cpus.size())
    plan.notes.push_back("lcores: " + std::to_string(plan.lcores.size()) + " on " +
                         std::to_string(machine.cpus.size()) +
                         " CPUs only take turns; leave lcores out for a number that fits the machine");
}

}  // namespace

Status plan_lcores(const Config& config, const Machine& machine, Plan& plan) {
  auto counts = choose_counts(config, machine);
  if (!counts) return counts.error();
  plan.ingest = counts->ingest;
  plan.decode = counts->decode;
  plan.export_ = counts->export_;
  plan.share = shares(config, machine);
  const unsigned lcores = plan.share ? most_of_a_kind(plan) : counts->all();
  if (Status valid = check_pins(config.lcores.cpus, machine, lcores); !valid) return valid;
  place(config, machine, plan);
  if (Status chosen = choose_idle(config, machine, plan); !chosen) return chosen;
  deal_queues(config, plan);
  note_counts(config, machine, plan);
  return Ok{};
}

std::string lcores_argument(const Plan& plan) {
  const std::string floats = "(" + cpu_list_text(plan.floats) + ")";
  const bool pinned =
      std::any_of(plan.lcores.begin(), plan.lcores.end(), [](const auto& l) { return l.cpu >= 0; });
  if (!pinned) return "(0-" + std::to_string(plan.lcores.size()) + ")@" + floats;
  std::string text = "0@" + floats;
  for (const PlanLcore& lcore : plan.lcores)
    text += "," + std::to_string(lcore.lcore_id) + "@" + std::to_string(lcore.cpu);
  return text;
}

}  // namespace weir
