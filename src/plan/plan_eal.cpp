#include "src/plan/plan_eal.h"

#include <algorithm>
#include <string>

#include "dataplane/mirror_eal.h"
#include "src/plan/eal_args.h"
#include "src/plan/plan_lcores.h"
#include "src/plan/plan_ports.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;
// Pools are taken in few pieces, and drivers have rings of their own.
constexpr uint64_t kRoomPerMbufByte = 3;
constexpr uint64_t kEalsOwnBytes = 2 * kMiB;
constexpr uint64_t kLeastEalMb = 64;

uint64_t all_mbuf_bytes(const Config& config, bool hugepages) {
  uint64_t sum = 0;
  for (const InputConfig& input : config.inputs)
    if (const auto* mirror = std::get_if<MirrorOptions>(&input)) sum += mbuf_bytes(*mirror, hugepages);
  return sum;
}

uint64_t in_mib(uint64_t bytes) { return (bytes + kMiB - 1) / kMiB; }

Status plan_hugepages(const EalConfig& told, const Machine& machine, Plan& plan) {
  const bool enough = machine.hugepage_bytes >= plan.eal_mb * kMiB;
  const std::string remedy = "sysctl vm.nr_hugepages=" + std::to_string((plan.eal_mb + 1) / 2);
  switch (told.hugepages) {
    case Hugepages::off:
      return Ok{};
    case Hugepages::on:
      if (!enough)
        return Error{"eal.hugepages: on, but " + std::to_string(machine.hugepage_bytes / kMiB) +
                     " MiB of hugepages are free and " + std::to_string(plan.eal_mb) + " MiB are needed; " +
                     remedy + ", or set hugepages: auto"};
      plan.hugepages = true;
      return Ok{};
    case Hugepages::automatic:
      // Only ports use EAL's memory.
      plan.hugepages = enough && plan.ports > 0;
      if (plan.pci && !enough)
        plan.notes.push_back(
            "eal.hugepages: " + std::to_string(machine.hugepage_bytes / kMiB) +
            " MiB are free, so none are used, and a NIC gives half as many packets a second; " + remedy);
      return Ok{};
  }
  return Ok{};
}

Status plan_memory(const Config& config, const Machine& machine, Plan& plan) {
  const uint64_t told = config.eal.memory;
  const uint64_t wanted = in_mib(all_mbuf_bytes(config, true) * kRoomPerMbufByte);
  plan.eal_mb = told != 0 ? told / kMiB : std::max(kLeastEalMb, wanted);
  if (Status planned = plan_hugepages(config.eal, machine, plan); !planned) return planned;
  plan.mbuf_bytes = all_mbuf_bytes(config, plan.hugepages);
  const uint64_t least = in_mib(plan.mbuf_bytes + (plan.ports > 0 ? kEalsOwnBytes : 0));
  if (plan.eal_mb < least)
    return Error{"eal.memory: " + std::to_string(plan.eal_mb) +
                 " MiB are too few for the mirror inputs' packet buffers, "
                 "which take " +
                 std::to_string(least) + " MiB" + (plan.hugepages ? "" : " without hugepages") +
                 "; write eal.memory: auto, or lower their queues or mbufs"};
  plan.eal_bytes = told != 0 ? plan.eal_mb * kMiB : plan.mbuf_bytes;
  return Ok{};
}

}  // namespace

Status plan_eal(const Config& config, const Machine& machine, Plan& plan) {
  if (Status valid = check_eal_args(config.eal.args); !valid) return valid;
  std::vector<std::string> devices;
  if (Status planned = plan_ports(config, machine, plan, devices); !planned) return planned;
  if (Status planned = plan_memory(config, machine, plan); !planned) return planned;
  std::vector<std::string>& args = plan.eal_args;
  args = {"--lcores", lcores_argument(plan)};
  if (plan.hugepages) {
    args.emplace_back("--in-memory");
  } else {
    args.insert(args.end(), {"--no-huge", "--no-shconf"});
  }
  args.insert(args.end(), {"-m", std::to_string(plan.eal_mb), "--no-telemetry"});
  if (!plan.pci) args.emplace_back("--no-pci");
  args.insert(args.end(), devices.begin(), devices.end());
  args.insert(args.end(), config.eal.args.begin(), config.eal.args.end());
  return Ok{};
}

}  // namespace weir
