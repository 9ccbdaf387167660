#include "src/verify/sequence_ledger.h"

#include <iterator>

namespace weir {

void SequenceLedger::add(uint64_t lane_number, uint64_t seq) {
  auto [at, fresh] = lanes_.try_emplace(lane_number);
  Lane& lane = at->second;
  if (fresh) {
    lane.current = lane.ranges.emplace(seq, seq).first;
    return;
  }
  auto next = std::next(lane.current);
  const bool follows = seq == lane.current->second + 1;
  if (!follows || (next != lane.ranges.end() && next->first <= seq)) {
    next = lane.ranges.upper_bound(seq);
    if (next != lane.ranges.begin() && std::prev(next)->second >= seq) {
      ++lane.duplicates;
      return;
    }
    if (next != lane.ranges.begin() && std::prev(next)->second + 1 == seq) {
      lane.current = std::prev(next);
    } else {
      lane.current = lane.ranges.emplace_hint(next, seq, seq);
    }
  }
  lane.current->second = seq;
  if (next != lane.ranges.end() && next->first == seq + 1) {
    lane.current->second = next->second;
    lane.ranges.erase(next);
  }
}

SequenceLedger::Totals SequenceLedger::totals(bool from_zero) const {
  Totals totals;
  for (const auto& [number, lane] : lanes_) {
    ++totals.lanes;
    totals.duplicates += lane.duplicates;
    uint64_t expected = from_zero ? 0 : lane.ranges.begin()->first;
    for (const auto& [first, last] : lane.ranges) {
      totals.missing += first - expected;
      totals.seen += last - first + 1;
      expected = last + 1;
    }
  }
  return totals;
}

}  // namespace weir
