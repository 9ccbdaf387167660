// Finds where the last whole zstd frame or gzip member of a file ends. Control thread at start, or the thread
// that writes when a file is reopened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporters/files/compression.h"

namespace weir {

struct CompressedEnd {
  uint64_t bytes = 0;  // of whole frames or members
  uint64_t last = 0;   // where the last of them begins
};

// Nothing: something else is in the file, before or behind the whole ones.
std::optional<CompressedEnd> walk_compressed(Compression::Kind kind, int fd, uint64_t size);
// The first bytes, at most `most`, of what the frame or member at `at` holds; `end`: where it ends at the
// latest.
std::string content_at(Compression::Kind kind, int fd, uint64_t at, uint64_t end, size_t most);

}  // namespace weir
