#include "dataplane/mirror/missing_port.h"

#include <filesystem>

#include "dataplane/eal.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string dpdk_says() {
  const std::string said = eal_said(3);
  return said.empty() ? "DPDK gave no reason" : "DPDK said: " + said;
}

}  // namespace

Error missing_port(const MirrorOptions& options, const MirrorEal& eal, const std::string& sysfs) {
  const std::string input = "mirror input \"" + options.name + "\": ";
  if (eal.pci.empty())
    return Error{input + "DPDK made no port of the vdev \"" + eal.vdev + "\" (" + dpdk_says() +
                 "). Check `port:`: the driver's name (net_pcap0, net_memif0, …) and its arguments."};

  const fs::path device = fs::path(sysfs) / eal.device;
  std::error_code none;
  if (!fs::exists(device, none))
    return Error{input + "there is no PCI device " + eal.device + ". `lspci -D` lists those there are."};
  const fs::path link = fs::read_symlink(device / "driver", none);
  const std::string bind = "dpdk-devbind.py --bind=vfio-pci " + eal.device;
  if (link.empty())
    return Error{input + "PCI device " + eal.device + " is bound to no driver. Bind it: " + bind + "."};
  const std::string driver = link.filename().string();
  if (driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio" || driver == "mlx5_core" ||
      driver == "mlx4_core")
    return Error{input + "DPDK made no port of PCI device " + eal.device + ", driver " + driver + " (" +
                 dpdk_says() + "). Check that Weir may use it (root, or access to /dev/vfio) and that DPDK " +
                 "has a driver for it."};
  return Error{input + "PCI device " + eal.device + " belongs to the kernel's driver " + driver +
               ". Bind it to DPDK's: " + bind + "; or read it through the kernel with `interface:`."};
}

}  // namespace weir
