#include "dataplane/file_input.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "dataplane/open_file.h"

namespace weir {
namespace {

struct File {
  std::string path;
  uint64_t size = 0;
  std::unique_ptr<ByteSource> source;  // kept open if it is not a regular file
};

Result<File> look_into(const std::string& path, const FileOptions& options, uint16_t input) {
  auto opened = ByteSource::open(path);
  if (!opened) return opened.error();
  File file{.path = path, .size = (*opened)->size(), .source = std::move(opened).value()};
  if (!file.source->regular()) return file;
  OpenFile open(std::move(file.source), options, input);
  if (Status known = open.look(); !known) return known.error();
  return file;
}

class FileInput : public Input {
 public:
  FileInput(const FileOptions& options, uint16_t index, unsigned lcore)
      : Input(options.name, index, lcore), options_(options) {}

  void add(File file) {
    size_ += file.size;
    files_.push_back(std::move(file));
  }

  Poll poll(const Now& now, FrameWriter& writer) override {
    if (current_ == files_.size()) return Poll::done;
    if (stopped_) return !open_ || open_->finish(now, writer, counters_) ? Poll::done : Poll::idle;
    if (!open_.has_value() && !open_next()) return current_ == files_.size() ? Poll::done : Poll::busy;
    const Poll result = open_->read(now, writer, counters_);
    position_.set(position_before_ + open_->position());
    if (result != Poll::done) return result;
    finish(open_->fault());
    return current_ == files_.size() ? Poll::done : Poll::busy;
  }

  // A file's rest is not taken in; what was read of it is written already.
  void stop(const Now& /*now*/) override { stopped_ = true; }
  void abandon() override {
    if (open_) open_->abandon(counters_);
  }
  void describe(MetricVisitor& /*visitor*/) const override {}
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] uint64_t position() const override { return position_.get(); }
  [[nodiscard]] std::string fault() const override { return fault_; }

 private:
  bool open_next() {
    File& file = files_[current_];
    if (file.source == nullptr) {
      auto opened = ByteSource::open(file.path);
      if (!opened) {
        finish(opened.error().message);
        return false;
      }
      file.source = std::move(opened).value();
    }
    open_.emplace(std::move(file.source), options_, index());
    return true;
  }

  void finish(const std::string& fault) {
    if (!fault.empty()) fault_ += (fault_.empty() ? "" : "; ") + fault;
    position_before_ += std::max(files_[current_].size, open_.has_value() ? open_->position() : 0);
    position_.set(position_before_);
    open_.reset();
    ++current_;
  }

  FileOptions options_;
  std::vector<File> files_;
  size_t current_ = 0;
  std::optional<OpenFile> open_;
  uint64_t size_ = 0;
  uint64_t position_before_ = 0;  // sizes of the files that are done
  Counter position_;
  bool stopped_ = false;
  std::string fault_;
};

}  // namespace

Result<std::vector<std::unique_ptr<Input>>> open_files(const FileOptions& options, uint16_t input_index,
                                                       unsigned ingest_lcores) {
  std::vector<std::unique_ptr<FileInput>> inputs;
  for (size_t i = 0; i < options.paths.size(); ++i) {
    auto file = look_into(options.paths[i], options, input_index);
    if (!file) return file.error();
    const auto lcore = static_cast<unsigned>(i % ingest_lcores);
    if (lcore == inputs.size()) inputs.push_back(std::make_unique<FileInput>(options, input_index, lcore));
    inputs[lcore]->add(std::move(file).value());
  }
  return std::vector<std::unique_ptr<Input>>(std::make_move_iterator(inputs.begin()),
                                             std::make_move_iterator(inputs.end()));
}

}  // namespace weir
