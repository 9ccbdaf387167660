// LineReader: a file's lines, gzip or not, a block at a time. Control thread of `weir verify`.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace weir {

class LineReader {
 public:
  // Readable bytes behind every line, for parsers that read ahead.
  static constexpr size_t kPadding = 64;

  // "-" is standard input.
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  // The next line without its '\n', valid until the next call; false at the end or at a fault. A last line
  // without
  // '\n' is not given: it is cut_bytes() long.
  bool next(std::string_view& line);
  [[nodiscard]] size_t cut_bytes() const noexcept { return ended_ ? end_ - start_ : 0; }
  [[nodiscard]] uint64_t bytes() const noexcept { return bytes_; }  // uncompressed
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  LineReader(gzFile file, std::string name);
  bool fill();

  gzFile file_;
  std::string name_;
  std::vector<char> buffer_;
  size_t start_ = 0;    // of the line that comes next
  size_t scanned_ = 0;  // no '\n' between start_ and here
  size_t end_ = 0;
  uint64_t bytes_ = 0;
  bool ended_ = false;
  std::string fault_;
};

}  // namespace weir
