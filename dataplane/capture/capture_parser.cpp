#include "dataplane/capture/capture_parser.h"

#include "dataplane/capture/pcap_parser.h"
#include "dataplane/capture/pcapng_parser.h"

namespace weir {

std::unique_ptr<CaptureParser> make_capture_parser(std::span<const uint8_t> first) {
  if (PcapParser::is_magic(first)) return std::make_unique<PcapParser>();
  if (PcapngParser::is_magic(first)) return std::make_unique<PcapngParser>();
  return nullptr;
}

}  // namespace weir
