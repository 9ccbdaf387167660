#include "dataplane/file_input.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dataplane/byte_source.h"
#include "dataplane/capture_file.h"
#include "dataplane/dnstap_file.h"
#include "dataplane/file_reader.h"

namespace weir {
namespace {

constexpr size_t kMagicLen = 4;

// The reader for what the window starts with; an Error when no reader knows it.
Result<std::unique_ptr<FileReader>> make_reader(const ByteSource& source, const FileOptions& options,
                                                uint16_t input) {
  const std::span<const uint8_t> window = source.window();
  if (window.empty()) return Error{source.name() + " is empty; it should be a dnstap file or a capture"};
  const std::span<const uint8_t> first = window.first(std::min(window.size(), kMagicLen));
  if (auto reader = make_dnstap_reader(first, source.name(), options, input)) return reader;
  if (auto reader = make_capture_reader(first, source.name(), options.dns_ports, input)) return reader;
  std::string starts;
  for (uint8_t byte : first) {
    constexpr char kHex[] = "0123456789abcdef";
    starts += {' ', kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return Error{source.name() +
               " is neither a dnstap file (Frame Streams) nor a capture (pcap, pcapng): it starts with" +
               starts};
}

// Fills until the first bytes are there. more: they are, or all there will ever be.
ByteSource::Fill fill_first(ByteSource& source) {
  while (source.window().size() < kMagicLen) {
    const ByteSource::Fill result = source.fill();
    if (result == ByteSource::Fill::wait) return result;
    if (result == ByteSource::Fill::end) break;
  }
  return ByteSource::Fill::more;
}

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
  (void)fill_first(*file.source);
  if (!file.source->fault().empty()) return Error{file.source->fault()};
  auto reader = make_reader(*file.source, options, input);
  if (!reader) return reader.error();
  file.source.reset();
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
    if (stopped_ || current_ == files_.size()) return Poll::done;
    if (reader_ == nullptr) {
      const Poll opened = open_next();
      if (reader_ == nullptr) return opened;
    }
    const uint64_t begin = source_->consumed();
    const Poll result = reader_->read(*source_, now, writer, counters_);
    counters_.bytes.add(source_->consumed() - begin);
    position_.set(position_before_ + source_->position());
    count_wait(result == Poll::idle && reader_->waits_for_room(), now);
    if (result != Poll::done) return result;
    finish(reader_->fault().empty() ? source_->fault() : reader_->fault());
    return current_ == files_.size() ? Poll::done : Poll::busy;
  }

  // A file's rest is not taken in; what was read of it is written already.
  void stop(const Now& /*now*/) override { stopped_ = true; }
  void abandon() override {}
  void describe(MetricVisitor& /*visitor*/) const override {}
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] uint64_t position() const override { return position_.get(); }
  [[nodiscard]] std::string fault() const override { return fault_; }

 private:
  Poll open_next() {
    File& file = files_[current_];
    if (source_ == nullptr) {
      source_ = std::move(file.source);
      if (source_ == nullptr) {
        auto opened = ByteSource::open(file.path);
        if (!opened) return finish(opened.error().message);
        source_ = std::move(opened).value();
      }
    }
    if (fill_first(*source_) == ByteSource::Fill::wait) return Poll::idle;
    if (!source_->fault().empty() && source_->window().empty()) return finish(source_->fault());
    auto reader = make_reader(*source_, options_, index());
    if (!reader) return finish(reader.error().message);
    reader_ = std::move(reader).value();
    return Poll::busy;
  }

  Poll finish(const std::string& fault) {
    if (!fault.empty()) fault_ += (fault_.empty() ? "" : "; ") + fault;
    position_before_ += std::max(files_[current_].size, source_ != nullptr ? source_->position() : 0);
    position_.set(position_before_);
    reader_.reset();
    source_.reset();
    ++current_;
    return current_ == files_.size() ? Poll::done : Poll::busy;
  }

  void count_wait(bool waiting, const Now& now) {
    if (waiting && waiting_since_ns_ != 0) counters_.backpressure_ns.add(now.mono_ns - waiting_since_ns_);
    waiting_since_ns_ = waiting ? now.mono_ns : 0;
  }

  FileOptions options_;
  std::vector<File> files_;
  size_t current_ = 0;
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<FileReader> reader_;
  uint64_t size_ = 0;
  uint64_t position_before_ = 0;  // sizes of the files that are done
  Counter position_;
  uint64_t waiting_since_ns_ = 0;
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
