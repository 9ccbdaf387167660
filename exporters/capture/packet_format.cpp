#include "exporters/capture/packet_format.h"

#include "exporters/capture/pcap_format.h"
#include "exporters/capture/pcapng_format.h"

namespace weir {

std::unique_ptr<PacketFormat> make_packet_format(const PcapOptions& options,
                                                 const std::vector<std::string>& input_names) {
  if (options.format == CaptureFormat::pcap) return std::make_unique<PcapFormat>(options.snap_length);
  return std::make_unique<PcapngFormat>(options.snap_length, input_names);
}

}  // namespace weir
