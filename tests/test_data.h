// Where tests find their data: the small part kept in tests/data, and the whole corpus where it stands beside
// the source tree or where WEIR_CORPUS points.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace weir {

inline std::filesystem::path test_data(const std::string& name = {}) {
  const char* dir = std::getenv("WEIR_TEST_DATA");
  return std::filesystem::path(dir != nullptr ? dir : "tests/data") / name;
}

// Empty when there is no corpus: the caller says so and skips.
inline std::filesystem::path corpus_dir() {
  namespace fs = std::filesystem;
  if (const char* dir = std::getenv("WEIR_CORPUS"); dir != nullptr) return fs::is_directory(dir) ? dir : "";
  const char* source = std::getenv("WEIR_SOURCE");
  const fs::path beside = fs::path(source != nullptr ? source : ".") / ".." / "shared" / "corpus";
  return fs::is_directory(beside) ? beside : fs::path();
}

inline std::vector<uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace weir
