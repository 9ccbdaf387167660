// Capture files: the FileReader for pcap and pcapng. Owner: the ingest lcore whose file input made it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/file_reader.h"
#include "dataplane/input_options.h"

namespace weir {

// By a file's first four bytes; nullptr when they begin no capture file. file: its name in messages; input:
// index of the input in the configuration.
std::unique_ptr<FileReader> make_capture_reader(std::span<const uint8_t> first, std::string file,
                                                const PacketOptions& options, uint16_t input);

}  // namespace weir
