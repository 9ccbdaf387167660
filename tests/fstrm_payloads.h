// The data frames of a sound Frame Streams file, for tests that need payloads and not framing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/test_data.h"

namespace weir {

inline std::vector<std::vector<uint8_t>> fstrm_payloads(const std::filesystem::path& path) {
  const std::vector<uint8_t> file = read_file(path);
  auto be32 = [&](size_t at) {
    return static_cast<size_t>(file[at]) << 24U | static_cast<size_t>(file[at + 1]) << 16U |
           static_cast<size_t>(file[at + 2]) << 8U | file[at + 3];
  };
  std::vector<std::vector<uint8_t>> payloads;
  for (size_t at = 0; at + 4 <= file.size();) {
    size_t len = be32(at);
    at += 4;
    const bool control = len == 0;
    if (control) {
      if (at + 4 > file.size()) break;
      len = be32(at);
      at += 4;
    }
    if (len > file.size() - at) break;
    const auto from = file.begin() + static_cast<std::ptrdiff_t>(at);
    if (!control) payloads.emplace_back(from, from + static_cast<std::ptrdiff_t>(len));
    at += len;
  }
  return payloads;
}

// All files with this extension below `dir`, in a fixed order.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& dir,
                                                      const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir))
    if (entry.is_regular_file() && entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace weir
