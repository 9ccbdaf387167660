#include "src/verify/block_notes.h"

#include "src/verify/number_ledger.h"

namespace weir {

size_t add_name(NameCounts& counts, std::string_view name, uint64_t count) {
  size_t i = 0;
  while (i < counts.size() && counts[i].first != name) ++i;
  if (i == counts.size()) counts.emplace_back(name, 0);
  counts[i].second += count;
  return i;
}

void BlockNotes::take(std::string_view block, LineChecker& checker, size_t examples_limit, bool numbered) {
  lines = 0;
  faults = {};
  types.clear();
  rcodes.clear();
  sequences.clear();
  numbers.clear();
  examples.clear();
  while (!block.empty()) {
    const size_t end = block.find('\n');
    const LineFault fault = checker.check(block.substr(0, end));
    if (fault == LineFault::none) {
      const size_t type = add_name(types, checker.type(), 1);
      if (!checker.rcode().empty()) (void)add_name(rcodes, checker.rcode(), 1);
      if (const auto seq = checker.seq()) sequences.push_back({checker.lane(), *seq});
      if (const auto number = numbered ? generated_number(checker.qname()) : std::nullopt)
        numbers.push_back({*number, type});
    } else {
      ++faults[static_cast<size_t>(fault)];
      if (examples.size() < examples_limit)
        examples.push_back({lines, std::string(to_string(fault)) + ": " + checker.detail()});
    }
    ++lines;
    block.remove_prefix(end + 1);
  }
}

}  // namespace weir
