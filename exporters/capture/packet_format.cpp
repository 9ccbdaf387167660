#include "exporters/capture/packet_format.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exporters/capture/pcap_format.h"
#include "exporters/capture/pcapng_format.h"

namespace weir {

std::unique_ptr<PacketFormat> make_packet_format(const PcapOptions& options,
                                                 const std::vector<std::string>& input_names) {
  if (options.format == CaptureFormat::pcap) return std::make_unique<PcapFormat>(options.snap_length);
  return std::make_unique<PcapngFormat>(options.snap_length, input_names);
}

Error not_ours(const std::string& path, const std::string& what) {
  return Error{"'" + path + "' " + what + ": move it away, or name another file"};
}

Error unreadable(const std::string& path) {
  return not_ours(path, std::string("cannot be read (") + std::strerror(errno) +
                            "), and where its packets end must be known to append to it");
}

Status cut_back_to(uint64_t kept, int fd, const std::string& path) {
  if (ftruncate(fd, static_cast<off_t>(kept)) == 0) return Ok{};
  return Error{"'" + path + "' cannot be cut back to its last whole packet: " + std::strerror(errno)};
}

}  // namespace weir
