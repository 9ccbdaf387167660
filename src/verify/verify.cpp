#include "src/verify/verify.h"

#include "core/clock.h"
#include "src/verify/line_reader.h"

namespace weir {

namespace {

// Index of the name, added if new. Few names, the frequent ones come first: a search from the front is short.
size_t count_name(NameCounts& counts, std::string_view name) {
  size_t i = 0;
  while (i < counts.size() && counts[i].first != name) ++i;
  if (i == counts.size()) counts.emplace_back(name, 0);
  ++counts[i].second;
  return i;
}

class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(options), checker_(options.partial), numbers_(options.expected, options.per_number) {}

  void read(const std::string& path) {
    auto reader = LineReader::open(path);
    if (!reader) {
      report_.unreadable.push_back(reader.error().message);
      return;
    }
    std::string_view line;
    for (uint64_t number = 1; reader->next(line); ++number) {
      ++report_.lines;
      const LineFault fault = checker_.check(line);
      if (fault == LineFault::none) {
        note();
      } else {
        ++report_.faults[static_cast<size_t>(fault)];
        example(path, number, std::string(to_string(fault)) + ": " + checker_.detail());
      }
    }
    report_.bytes += reader->bytes();
    if (!reader->fault().empty()) {
      report_.unreadable.push_back(reader->fault());
    } else if (reader->cut_bytes() != 0) {
      ++report_.cut_lines;
      report_.examples.push_back(path + ": the last line has no end (" + std::to_string(reader->cut_bytes()) +
                                 " bytes)");
    }
  }

  VerifyReport finish() {
    report_.sequence = sequence_.totals(options_.from_zero);
    report_.numbers = numbers_.totals();
    return std::move(report_);
  }

 private:
  void note() {
    const size_t type = count_name(report_.types, checker_.type());
    if (!checker_.rcode().empty()) (void)count_name(report_.rcodes, checker_.rcode());
    if (const auto seq = checker_.seq()) sequence_.add(checker_.lane(), *seq);
    if (const auto number = generated_number(checker_.qname())) numbers_.add(*number, type);
  }

  void example(const std::string& path, uint64_t line, const std::string& text) {
    if (report_.examples.size() < options_.examples) {
      report_.examples.push_back(path + ":" + std::to_string(line) + ": " + text);
    }
  }

  const VerifyOptions& options_;
  LineChecker checker_;
  SequenceLedger sequence_;
  NumberLedger numbers_;
  VerifyReport report_;
};

}  // namespace

uint64_t VerifyReport::faulty_lines() const {
  uint64_t sum = 0;
  for (const uint64_t count : faults) sum += count;
  return sum;
}

bool VerifyReport::good() const {
  return faulty_lines() == 0 && cut_lines == 0 && unreadable.empty() && sequence.missing == 0 &&
         sequence.duplicates == 0 && numbers.missing == 0 && numbers.duplicates == 0 &&
         numbers.unexpected == 0;
}

VerifyReport verify(const VerifyOptions& options) {
  Verifier verifier(options);
  const uint64_t start_ns = read_clock().mono_ns;
  for (const std::string& path : options.files) verifier.read(path);
  VerifyReport report = verifier.finish();
  report.seconds = static_cast<double>(read_clock().mono_ns - start_ns) * 1e-9;
  return report;
}

}  // namespace weir
