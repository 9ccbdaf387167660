// dnstap files: the FileReader for Frame Streams. Owner: the ingest lcore whose file input made it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/file_reader.h"
#include "dataplane/input_options.h"

namespace weir {

// By a file's first four bytes; nullptr when they begin no Frame Streams file. file: its name in messages;
// input: index of the input in the configuration. Files always wait for room.
std::unique_ptr<FileReader> make_dnstap_reader(std::span<const uint8_t> first, std::string file,
                                               const FileOptions& options, uint16_t input);

}  // namespace weir
