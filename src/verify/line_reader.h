// LineReader: a file's lines, gzip or not, a block of whole lines at a time. One thread at a time.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace weir {

// Whole lines, each with its '\n'.
class LineBlock {
 public:
  // Readable bytes behind every line, for parsers that read ahead.
  static constexpr size_t kPadding = 64;

  [[nodiscard]] std::string_view lines() const noexcept { return {bytes_.data(), size_}; }

 private:
  friend class LineReader;
  std::vector<char> bytes_;
  size_t size_ = 0;
};

class LineReader {
 public:
  // "-" is standard input.
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  // The next lines, one or more, whose block may have been used before; false at the end or at a fault. A
  // last line without '\n' is not given: it is cut_bytes() long.
  bool next(LineBlock& block);
  [[nodiscard]] size_t cut_bytes() const noexcept { return ended_ ? rest_.size() : 0; }
  [[nodiscard]] uint64_t bytes() const noexcept { return bytes_; }  // uncompressed
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  LineReader(gzFile file, std::string name);
  size_t read(char* to);

  gzFile file_;
  std::string name_;
  std::vector<char> rest_;  // of the last block: a line whose end has not been read
  uint64_t bytes_ = 0;
  bool ended_ = false;
  std::string fault_;
};

}  // namespace weir
