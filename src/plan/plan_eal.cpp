#include "src/plan/plan_eal.h"

#include <algorithm>
#include <string>

#include "src/plan/plan_lcores.h"
#include "src/plan/plan_ports.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;
// EAL without hugepages needs more room than the pools have: they are taken in one piece, and it pads.
constexpr uint64_t kRoomPerMbufByte = 3;
constexpr uint64_t kLeastEalMb = 64;

Status plan_memory(const EalConfig& told, const Machine& machine, Plan& plan) {
  const uint64_t wanted = plan.mbuf_bytes * kRoomPerMbufByte;
  plan.eal_mb = told.memory != 0 ? told.memory / kMiB : std::max(kLeastEalMb, (wanted + kMiB - 1) / kMiB);
  if (plan.eal_mb * kMiB < plan.mbuf_bytes + plan.mbuf_bytes / 4)
    return Error{
        "eal.memory: " + std::to_string(plan.eal_mb) + " MiB hold no " +
        std::to_string(plan.mbuf_bytes / kMiB) +
        " MiB of packet buffers; write eal.memory: auto, or lower the mirror inputs' queues or mbufs"};
  const uint64_t needed = plan.eal_mb * kMiB;
  const bool enough = machine.hugepage_bytes >= needed;
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

}  // namespace

Status plan_eal(const Config& config, const Machine& machine, Plan& plan) {
  std::vector<std::string> devices;
  if (Status planned = plan_ports(config, machine, plan, devices); !planned) return planned;
  if (Status planned = plan_memory(config.eal, machine, plan); !planned) return planned;
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
