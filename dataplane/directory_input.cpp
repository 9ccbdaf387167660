#include "dataplane/directory_input.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "dataplane/directory/directory_keeper.h"
#include "dataplane/open_file.h"

namespace weir {
namespace {

// Files whose lines are not all out before what waits for its partner is written all the same.
constexpr uint64_t kMostBehind = DirectoryKeeper::kMostUnsettled / 2;

class DirectoryInput : public Input {
 public:
  DirectoryInput(const DirectoryOptions& options, uint16_t index, unsigned lcore, unsigned ways)
      : Input(options.name, index, lcore),
        options_(options),
        file_options_(options.file_options()),
        arrived_(ways),
        keeper_(options_, hand_off_, arrived_),
        mark_way_(ways) {}

  Status start() { return keeper_.start(); }

  Poll poll(const Now& now, FrameWriter& writer) override {
    if (!put_mark(now, writer)) return Poll::idle;
    if (stopped_) return !open_ || open_->finish(now, writer, counters_) ? Poll::done : Poll::idle;
    if (!open_.has_value() && !open_next(now)) {
      flush_when_quiet(now);
      return Poll::idle;
    }
    if (!open_.has_value()) return Poll::busy;
    const Poll result = open_->read(now, writer, counters_);
    if (result != Poll::done) return result;
    std::string fault = open_->fault();
    if (fault.empty() && counters_.drops.get(Drop::frame_cut) != cut_before_)
      fault = open_->name() + " ends inside a frame or packet: it was cut, or its writer was killed";
    finish(std::move(fault), now);
    return Poll::busy;
  }

  // A file of which not all was read is not done: it is taken again at the next start.
  void stop(const Now& /*now*/) override { stopped_ = true; }
  void request_reload() override { keeper_.request_look(); }
  void abandon() override {
    if (open_) open_->abandon(counters_);
    keeper_.finish();
  }
  void describe(MetricVisitor& visitor) const override {
    keeper_.counters().describe(visitor, {{"input", name()}, {"lcore", std::to_string(lcore())}});
  }

 private:
  // false: there is no file to read.
  bool open_next(const Now& now) {
    HandedFile* file = hand_off_.next();
    if (file == nullptr) return false;
    auto source = ByteSource::from_fd(std::exchange(file->fd, -1),
                                      "'" + options_.path + "/" + escape_name(file->name) + "'");
    cut_before_ = counters_.drops.get(Drop::frame_cut);
    if (source)
      open_.emplace(std::move(source).value(), file_options_, index());
    else
      finish(source.error().message, now);
    return true;
  }

  void finish(std::string fault, const Now& now) {
    open_.reset();
    hand_off_.next()->fault = std::move(fault);
    hand_off_.done_reading();
    keeper_.wake();
    read_at_ns_ = now.mono_ns;
    begin_mark(hand_off_.read() - least_arrived() > kMostBehind);
  }

  void begin_mark(bool flush) {
    flush_ = flush;
    if (flush) flushed_ = hand_off_.read();
    mark_way_ = 0;
  }

  // Behind the frames of all files that were read. false: there was no room everywhere yet.
  bool put_mark(const Now& now, FrameWriter& writer) {
    for (; mark_way_ < arrived_.size(); ++mark_way_) {
      const Mark mark = {
          .arrived = &arrived_[mark_way_], .number = hand_off_.read(), .input = index(), .flush = flush_};
      if (!writer.put(mark_way_, mark, now)) return false;
    }
    return true;
  }

  // What waits in the decode lcores for the next file holds back the files that it came from.
  void flush_when_quiet(const Now& now) {
    if (flushed_ == hand_off_.read() || now.mono_ns - read_at_ns_ < options_.quiet_ms * kNsPerMs) return;
    if (least_arrived() == hand_off_.read()) return;
    begin_mark(true);
  }

  [[nodiscard]] uint64_t least_arrived() const noexcept {
    uint64_t least = UINT64_MAX;
    for (const Counter& way : arrived_) least = std::min(least, way.get());
    return least;
  }

  DirectoryOptions options_;
  FileOptions file_options_;
  FileHandOff hand_off_;
  std::vector<Counter> arrived_;  // up to which file the outputs are through, one a way
  DirectoryKeeper keeper_;
  std::optional<OpenFile> open_;
  uint64_t cut_before_ = 0;  // frames, when the file was begun
  unsigned mark_way_;        // the way that lacks the mark, and those after it
  bool flush_ = false;
  uint64_t flushed_ = 0;  // up to which file nothing waits for its partner
  uint64_t read_at_ns_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<std::vector<std::unique_ptr<Input>>> open_directory(const DirectoryOptions& options,
                                                           uint16_t input_index, unsigned ingest_lcores,
                                                           unsigned ways) {
  auto input = std::make_unique<DirectoryInput>(options, input_index, input_index % ingest_lcores, ways);
  if (Status started = input->start(); !started) return started.error();
  std::vector<std::unique_ptr<Input>> inputs;
  inputs.push_back(std::move(input));
  return inputs;
}

}  // namespace weir
