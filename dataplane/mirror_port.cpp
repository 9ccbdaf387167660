#include "dataplane/mirror_port.h"

#include "dataplane/filter/compiled_filters.h"
#include "dataplane/mirror/dpdk_queue.h"
#include "dataplane/mirror/interface_queue.h"
#include "dataplane/mirror/interface_rings.h"
#include "dataplane/mirror/live_port.h"
#include "dataplane/mirror/port_watch.h"
#include "dataplane/mirror_eal.h"

namespace weir {
namespace {

using Inputs = std::vector<std::unique_ptr<Input>>;

Result<Inputs> open_interface(const MirrorOptions& options, uint16_t input,
                              const std::vector<unsigned>& lcores) {
  auto opened = InterfaceRings::open(options);
  if (!opened) return opened.error();
  const std::shared_ptr<InterfaceRings> rings = std::move(*opened);
  auto watch = std::make_shared<PortWatch>(options.name, "interface " + options.interface,
                                           [rings] { return rings->look(); });
  Inputs inputs;
  for (unsigned queue = 0; queue < lcores.size(); ++queue)
    inputs.push_back(std::make_unique<InterfaceQueue>(options, input, lcores[queue], rings, queue,
                                                      queue == 0 ? watch : nullptr));
  return inputs;
}

Result<Inputs> open_port(const MirrorOptions& options, uint16_t input, unsigned nth,
                         const std::vector<unsigned>& lcores) {
  auto opened = LivePort::open(options, eal_arguments(options, nth));
  if (!opened) return opened.error();
  const std::shared_ptr<LivePort> port = std::move(*opened);
  // The queues' lcores find it compiled.
  if (const auto filter = compiled_filter(options.packets.filter, LinkType::ethernet); !filter)
    return Error{"mirror input \"" + options.name + "\": filter: " + filter.error().message + "."};
  auto watch = std::make_shared<PortWatch>(
      options.name, "port " + options.port, [port] { return port->look(); }, [port] { port->mend(); });
  Inputs inputs;
  for (size_t queue = 0; queue < lcores.size(); ++queue)
    inputs.push_back(std::make_unique<DpdkQueue>(options, input, lcores[queue], port,
                                                 static_cast<uint16_t>(queue), queue == 0 ? watch : nullptr));
  return inputs;
}

}  // namespace

Result<Inputs> open_mirror(const MirrorOptions& options, uint16_t input, unsigned nth,
                           const std::vector<unsigned>& ingest_lcore_of_queue) {
  if (ingest_lcore_of_queue.size() != options.queues)
    return Error{"mirror input \"" + options.name + "\" has " + std::to_string(options.queues) +
                 " queues, but the plan polls " + std::to_string(ingest_lcore_of_queue.size()) + "."};
  if (!options.interface.empty()) return open_interface(options, input, ingest_lcore_of_queue);
  return open_port(options, input, nth, ingest_lcore_of_queue);
}

}  // namespace weir
