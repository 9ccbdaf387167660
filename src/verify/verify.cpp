#include "src/verify/verify.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core/clock.h"
#include "src/verify/block_notes.h"
#include "src/verify/line_reader.h"

namespace weir {

namespace {

// More would wait for the one that reads.
constexpr unsigned kMostThreads = 8;

class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(options), numbers_(options.expected, options.per_number) {
    const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
    for (unsigned i = 0; i < threads; ++i)
      checkers_.push_back(std::make_unique<LineChecker>(options.partial));
  }

  void read(const std::string& path) {
    auto reader = LineReader::open(path);
    if (!reader) {
      report_.unreadable.push_back(reader.error().message);
      return;
    }
    {
      FileTurns turns(path, *reader);
      std::vector<std::jthread> others;
      for (size_t i = 1; i < checkers_.size(); ++i)
        others.emplace_back([this, &turns, i] { check_blocks(turns, *checkers_[i]); });
      check_blocks(turns, *checkers_[0]);
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
  // A file's blocks: read in turn, checked side by side, entered in the ledgers in the order of reading.
  struct FileTurns {
    FileTurns(const std::string& file, LineReader& lines_of_it) : path(file), reader(lines_of_it) {}

    const std::string& path;
    LineReader& reader;  // under reading
    std::mutex reading;
    uint64_t read = 0;  // blocks; under reading
    std::mutex entering;
    std::condition_variable entered_more;
    uint64_t entered = 0;  // blocks; under entering, as are the ledgers and the report
    uint64_t lines = 0;    // of those; under entering
  };

  void check_blocks(FileTurns& turns, LineChecker& checker) {
    LineBlock block;
    BlockNotes notes;
    for (;;) {
      uint64_t turn = 0;
      {
        const std::lock_guard lock(turns.reading);
        if (!turns.reader.next(block)) return;
        turn = turns.read++;
      }
      notes.take(block.lines(), checker, options_.examples, options_.expected != 0);
      std::unique_lock lock(turns.entering);
      turns.entered_more.wait(lock, [&] { return turns.entered == turn; });
      enter(turns, notes);
      ++turns.entered;
      turns.lines += notes.lines;
      lock.unlock();
      turns.entered_more.notify_all();
    }
  }

  void enter(const FileTurns& turns, const BlockNotes& notes) {
    report_.lines += notes.lines;
    for (size_t i = 0; i < notes.faults.size(); ++i) report_.faults[i] += notes.faults[i];
    std::vector<size_t> types;  // of the block, in the report
    for (const auto& [name, count] : notes.types) types.push_back(add_name(report_.types, name, count));
    for (const auto& [name, count] : notes.rcodes) (void)add_name(report_.rcodes, name, count);
    for (const auto& [lane, seq] : notes.sequences) sequence_.add(lane, seq);
    for (const auto& [number, type] : notes.numbers) numbers_.add(number, types[type]);
    for (const auto& [line, text] : notes.examples) {
      if (report_.examples.size() == options_.examples) break;
      report_.examples.push_back(turns.path + ":" + std::to_string(turns.lines + line + 1) + ": " + text);
    }
  }

  const VerifyOptions& options_;
  std::vector<std::unique_ptr<LineChecker>> checkers_;  // one a thread
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
