// BlockNotes: what a block of lines says, for the ledgers: they are kept in the order of the lines, while the
// blocks are checked side by side. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/verify/line_checker.h"

namespace weir {

// Names with how often they came, in the order of their first coming.
using NameCounts = std::vector<std::pair<std::string, uint64_t>>;
// Index of the name, added if new. Few names, the frequent ones come first: a search from the front is short.
size_t add_name(NameCounts& counts, std::string_view name, uint64_t count);

using FaultCounts = std::array<uint64_t, static_cast<size_t>(LineFault::count_)>;

struct BlockNotes {
  uint64_t lines = 0;
  FaultCounts faults{};
  NameCounts types;
  NameCounts rcodes;
  struct Sequence {
    uint64_t lane, seq;
  };
  std::vector<Sequence> sequences;
  struct Number {
    uint64_t number;
    size_t type;  // in types
  };
  std::vector<Number> numbers;
  struct Example {
    uint64_t line;  // in the block, from 0
    std::string text;
  };
  std::vector<Example> examples;

  // numbered: QNAMEs have the numbers of a load.
  // Of these lines, each with its '\n', and LineBlock::kPadding bytes behind; none of those before.
  void take(std::string_view lines, LineChecker& checker, size_t examples_limit, bool numbered);
};

}  // namespace weir
