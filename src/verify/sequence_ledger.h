// SequenceLedger: which sequence numbers ("seq") of each lane have been seen, as ranges: numbers that come in
// order cost a comparison, any order is right, holes stay visible. One run's lines. One thread at a time.
#pragma once

#include <cstdint>
#include <map>

namespace weir {

class SequenceLedger {
 public:
  void add(uint64_t lane, uint64_t seq);

  struct Totals {
    uint64_t lanes = 0;
    uint64_t seen = 0;     // different numbers
    uint64_t missing = 0;  // between the first and the last of a lane, or from 0 with from_zero
    uint64_t duplicates = 0;
  };
  // from_zero: the lines are a run's from its start on.
  [[nodiscard]] Totals totals(bool from_zero) const;

 private:
  struct Lane {
    std::map<uint64_t, uint64_t> ranges;  // first to last, both included; neither touching nor overlapping
    std::map<uint64_t, uint64_t>::iterator current;  // that the last number went into
    uint64_t duplicates = 0;
  };

  std::map<uint64_t, Lane> lanes_;
};

}  // namespace weir
