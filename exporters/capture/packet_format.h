// PacketFormat: how packets are written to a capture file: their records, and the file's head, which depends
// on the packets' link types. Integers are in this host's byte order, which readers find out. Called by
// PcapOutput and, as FileFraming, by its file, both on one export lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "exporters/files/file_framing.h"
#include "exporters/formats/record_format.h"
#include "exporters/output_options.h"

namespace weir {

class PacketFormat : public RecordFormatOf<CapturedPacket>, public FileFraming {
 public:
  [[nodiscard]] Drop why_nothing() const noexcept final { return Drop::capture_link_type; }
};

// input_names: by CapturedPacket::input.
std::unique_ptr<PacketFormat> make_packet_format(const PcapOptions& options,
                                                 const std::vector<std::string>& input_names);

// For resume() of either format. An Error tells the remedy.
Error not_ours(const std::string& path, const std::string& what);
Error unreadable(const std::string& path);  // errno says why
Status cut_back_to(uint64_t kept, int fd, const std::string& path);

}  // namespace weir
