// Records that are numbers, one a line: written by a format, put into blocks, and read back.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/formats/line_format.h"
#include "exporters/record_block.h"

namespace weir {

// The arrival time of the event.
class NumberLineFormat : public LineFormat {
 public:
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    char* end = std::to_chars(out, out + 20, event.arrival_ns).ptr;
    *end = '\n';
    return end + 1;
  }
};

inline void add_numbers(RecordBlock& block, uint64_t from, uint64_t to, uint32_t units = 1) {
  for (uint64_t n = from; n < to; ++n) {
    const std::string line = std::to_string(n) + "\n";
    if (!block.add(line, units, 0)) return;
  }
}

inline std::vector<uint64_t> numbers_in(std::string_view lines) {
  std::vector<uint64_t> numbers;
  while (!lines.empty()) {
    uint64_t n = 0;
    std::from_chars(lines.data(), lines.data() + lines.size(), n);
    numbers.push_back(n);
    lines.remove_prefix(lines.find('\n') + 1);
  }
  return numbers;
}

inline std::vector<uint64_t> range(uint64_t from, uint64_t to) {
  std::vector<uint64_t> numbers;
  for (uint64_t n = from; n < to; ++n) numbers.push_back(n);
  return numbers;
}

}  // namespace weir
