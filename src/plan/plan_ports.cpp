#include "src/plan/plan_ports.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "dataplane/mirror_eal.h"
#include "src/config/config_check.h"

namespace weir {
namespace {

// DPDK's virtual devices that can receive, and how many queues one may have (its own limits, 22.11).
struct Vdev {
  std::string_view driver;
  std::string_view pmd;  // librte_<pmd>.so
  unsigned most_queues;
};
constexpr std::array kVdevs = {
    Vdev{"net_af_xdp", "net_af_xdp", 1024},   Vdev{"net_bonding", "net_bond", 1024},
    Vdev{"net_memif", "net_memif", 255},      Vdev{"net_null", "net_null", 1024},
    Vdev{"net_pcap", "net_pcap", 16},         Vdev{"net_ring", "net_ring", 16},
    Vdev{"net_tap", "net_tap", 16},           Vdev{"net_vhost", "net_vhost", 128},
    Vdev{"net_virtio_user", "net_virtio", 8},
};

std::string known_drivers() {
  std::string text;
  for (const Vdev& vdev : kVdevs) {
    if (!text.empty()) text += ", ";
    text += vdev.driver;
  }
  return text;
}

// "net_pcap0" → "net_pcap".
std::string_view driver_of(std::string_view device) {
  const size_t end = device.find_last_not_of("0123456789");
  return device.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

const Vdev* find_vdev(std::string_view driver) {
  for (const Vdev& vdev : kVdevs)
    if (vdev.driver == driver) return &vdev;
  return nullptr;
}

// The values of a vdev's argument: "net_pcap0,rx_pcap=a,rx_pcap=b", "rx_pcap" → a, b.
std::vector<std::string> values_of(std::string_view vdev, std::string_view argument) {
  std::vector<std::string> values;
  for (size_t comma = vdev.find(','); comma != std::string_view::npos; comma = vdev.find(',')) {
    vdev.remove_prefix(comma + 1);
    const std::string_view text = vdev.substr(0, vdev.find(','));
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos && text.substr(0, equals) == argument)
      values.emplace_back(text.substr(equals + 1));
  }
  return values;
}

// One queue for each source of packets; rx_pcap= keeps the others from being read.
Status check_pcap_queues(const std::string& key, const MirrorOptions& mirror, const MirrorEal& eal) {
  size_t sources = values_of(eal.vdev, "rx_pcap").size();
  if (sources == 0)
    sources = values_of(eal.vdev, "rx_iface").size() + values_of(eal.vdev, "rx_iface_in").size();
  if (sources == 0) sources = values_of(eal.vdev, "iface").size();
  if (sources == 0 || mirror.queues <= sources) return Ok{};
  return Error{key + ".queues: " + std::to_string(mirror.queues) + " are more than the " +
               std::to_string(sources) + " that " + eal.device +
               " has, one for each rx_pcap= or rx_iface= in port; lower queues or name more of them"};
}

// The driver never asks the kernel for its count (docs/decisions/0005); net_pcap's iface= does.
Error hides_losses(const std::string& key, const MirrorEal& eal) {
  const auto interfaces = values_of(eal.vdev, "iface");
  return Error{
      key +
      ".port: DPDK's net_af_packet does not tell how many packets the kernel drops, so they would be in "
      "no count; write interface: " +
      (interfaces.empty() ? "NAME" : interfaces.front()) + " instead of port, which counts them"};
}

Status check_vdev(const std::string& key, const MirrorOptions& mirror, const MirrorEal& eal,
                  const Machine& machine) {
  const std::string_view driver = driver_of(eal.device);
  if (driver == "net_af_packet") return hides_losses(key, eal);
  const Vdev* vdev = find_vdev(driver);
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
  return driver == "net_pcap" ? check_pcap_queues(key, mirror, eal) : Ok{};
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

}  // namespace

Status plan_ports(const Config& config, const Machine& machine, Plan& plan,
                  std::vector<std::string>& devices) {
  std::map<std::string, std::string> key_of_device;
  unsigned nth = 0;
  for (size_t i = 0; i < config.inputs.size(); ++i) {
    const auto* mirror = std::get_if<MirrorOptions>(&config.inputs[i]);
    if (mirror == nullptr) continue;
    const std::string key = input_path(config, i);
    const MirrorEal eal = eal_arguments(*mirror, nth++);
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
    if (const auto [first, is_new] = key_of_device.emplace(eal.device, key); !is_new)
      return Error{key + ".port: " + eal.device + " is already used by " + first->second + ".port; " +
                   (eal.pci.empty() ? "give each vdev a number of its own"
                                    : "keep one of them and give it more queues")};
    plan.pci |= !eal.pci.empty();
    if (!eal.vdev.empty()) plan.vdevs.push_back(eal.vdev);
    devices.emplace_back(eal.pci.empty() ? "--vdev" : "-a");
    devices.push_back(eal.pci.empty() ? eal.vdev : eal.pci);
  }
  return Ok{};
}

}  // namespace weir
