#include "src/plan/plan_eal.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "dataplane/mirror_eal.h"
#include "src/config/config_check.h"
#include "src/plan/plan_lcores.h"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1U << 20U;
// EAL without hugepages needs more room than the pools have: they are taken in one piece, and it pads.
constexpr uint64_t kRoomPerMbufByte = 3;
constexpr uint64_t kLeastEalMb = 64;

// DPDK's virtual devices that can receive, and how many queues one may have (its own limits, 22.11).
struct Vdev {
  std::string_view driver;
  std::string_view pmd;  // librte_<pmd>.so
  unsigned most_queues;
};
constexpr std::array kVdevs = {
    Vdev{"net_af_packet", "net_af_packet", 16}, Vdev{"net_af_xdp", "net_af_xdp", 1024},
    Vdev{"net_bonding", "net_bond", 1024},      Vdev{"net_memif", "net_memif", 255},
    Vdev{"net_null", "net_null", 1024},         Vdev{"net_pcap", "net_pcap", 16},
    Vdev{"net_ring", "net_ring", 16},           Vdev{"net_tap", "net_tap", 16},
    Vdev{"net_vhost", "net_vhost", 128},        Vdev{"net_virtio_user", "net_virtio", 8},
};

std::string known_drivers() {
  std::string text;
  for (const Vdev& vdev : kVdevs) {
    if (!text.empty()) text += ", ";
    text += vdev.driver;
  }
  return text;
}

// "net_pcap0" → net_pcap's row.
const Vdev* find_vdev(std::string_view device) {
  const size_t end = device.find_last_not_of("0123456789");
  const std::string_view driver = device.substr(0, end == std::string_view::npos ? 0 : end + 1);
  for (const Vdev& vdev : kVdevs)
    if (vdev.driver == driver) return &vdev;
  return nullptr;
}

Status check_vdev(const std::string& key, const MirrorOptions& mirror, const MirrorEal& eal,
                  const Machine& machine) {
  const Vdev* vdev = find_vdev(eal.device);
  if (vdev == nullptr)
    return Error{
        key + ".port: '" + mirror.port +
        "' is neither a PCI address (0000:3b:00.0) nor a DPDK device that Weir knows; expected one of " +
        known_drivers() + " with its arguments, or write interface: NAME for a kernel interface"};
  if (!machine.pmds.empty() && !std::binary_search(machine.pmds.begin(), machine.pmds.end(), vdev->pmd)) {
    std::string package = "librte-" + std::string(vdev->pmd) + "23";
    std::replace(package.begin(), package.end(), '_', '-');
    return Error{key + ".port: DPDK's driver " + std::string(vdev->driver) +
                 " is not installed; apt-get install " + package};
  }
  if (mirror.queues > vdev->most_queues)
    return Error{key + ".queues: " + std::to_string(mirror.queues) + " are more than the " +
                 std::to_string(vdev->most_queues) + " that " + std::string(vdev->driver) +
                 " has; lower queues"};
  return Ok{};
}

// Drivers whose kernel part stays bound while DPDK uses the NIC beside it.
bool shares_with_kernel(std::string_view driver) { return driver == "mlx4_core" || driver == "mlx5_core"; }

bool is_dpdk_driver(std::string_view driver) {
  return driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio";
}

Status check_pci(const std::string& key, const MirrorEal& eal, const Machine& machine, Plan& plan) {
  const auto device = std::find_if(machine.pci.begin(), machine.pci.end(),
                                   [&](const auto& d) { return d.address == eal.device; });
  if (device == machine.pci.end())
    return Error{key + ".port: there is no PCI device " + eal.device +
                 " on this machine; dpdk-devbind.py --status shows those there are"};
  if (!shares_with_kernel(device->driver) && !is_dpdk_driver(device->driver))
    plan.notes.push_back(key + ".port: " + eal.device + " is bound to " +
                         (device->driver.empty() ? "no driver" : device->driver) +
                         "; DPDK finds it after dpdk-devbind.py -b vfio-pci " + eal.device);
  if (!machine.root)
    plan.notes.push_back(key + ".port: a NIC needs root, or a vfio group that belongs to this user");
  return Ok{};
}

Status plan_ports(const Config& config, const Machine& machine, Plan& plan,
                  std::vector<std::string>& devices) {
  unsigned nth = 0;
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i]);
    if (mirror == nullptr) continue;
    const std::string key = input_path(config, i);
    const MirrorEal eal = eal_arguments(*mirror, nth++);
    plan.mbuf_bytes += mbuf_bytes(*mirror);
    plan.packet_ring_bytes += packet_ring_bytes(*mirror);
    if (!eal.is_port()) {
      if (!machine.root && !machine.net_raw)
        plan.notes.push_back(
            key + ".interface: needs CAP_NET_RAW; start as root, or with AmbientCapabilities=" +
            "CAP_NET_RAW in the systemd unit, or after setcap cap_net_raw+ep on the program");
      continue;
    }
    ++plan.ports;
    Status valid =
        eal.pci.empty() ? check_vdev(key, *mirror, eal, machine) : check_pci(key, eal, machine, plan);
    if (!valid) return valid;
    plan.pci |= !eal.pci.empty();
    if (!eal.vdev.empty()) plan.vdevs.push_back(eal.vdev);
    devices.emplace_back(eal.pci.empty() ? "--vdev" : "-a");
    devices.push_back(eal.pci.empty() ? eal.vdev : eal.pci);
  }
  return Ok{};
}

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
