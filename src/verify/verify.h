// Verify: reads JSON lines back and says whether they are sound and complete: what `weir verify` runs, and
// what tests and the benchmark rely on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/verify/block_notes.h"
#include "src/verify/number_ledger.h"
#include "src/verify/sequence_ledger.h"

namespace weir {

struct VerifyOptions {
  std::vector<std::string> files;  // "-": standard input
  bool partial = false;            // lines written with fields: or omit:
  bool from_zero = false;          // sequences must begin with 0
  uint64_t expected = 0;           // transactions of a numbered load; 0: the lines are of no such load
  unsigned per_number = 1;
  size_t examples = 10;  // faulty lines to name
};

struct VerifyReport {
  uint64_t lines = 0;  // ended by '\n'
  uint64_t bytes = 0;
  double seconds = 0;
  FaultCounts faults{};    // lines by fault
  uint64_t cut_lines = 0;  // files whose last line has no end
  NameCounts types;
  NameCounts rcodes;
  SequenceLedger::Totals sequence;
  NumberLedger::Totals numbers;
  std::vector<std::string> examples;    // "FILE:LINE: …"
  std::vector<std::string> unreadable;  // sentences

  [[nodiscard]] uint64_t faulty_lines() const;
  // Every line is sound, none is missing, none came twice, every file could be read.
  [[nodiscard]] bool good() const;
};

// Checks on all CPUs, eight at most; the report does not tell how many.
VerifyReport verify(const VerifyOptions& options);
std::string report_text(const VerifyReport& report);
std::string report_json(const VerifyReport& report);

}  // namespace weir
