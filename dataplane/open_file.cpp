#include "dataplane/open_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "dataplane/capture_file.h"
#include "dataplane/dnstap_file.h"

namespace weir {
namespace {

constexpr size_t kMagicLen = 4;

}  // namespace

// Fills until the first bytes are there. more: they are, or all there will ever be.
ByteSource::Fill OpenFile::fill_first() {
  while (source_->window().size() < kMagicLen) {
    const ByteSource::Fill result = source_->fill();
    if (result == ByteSource::Fill::wait) return result;
    if (result == ByteSource::Fill::end) break;
  }
  return ByteSource::Fill::more;
}

// The reader for what the window starts with; an Error when no reader knows it.
Result<std::unique_ptr<FileReader>> OpenFile::make_reader() const {
  const std::span<const uint8_t> window = source_->window();
  if (window.empty()) return Error{name() + " is empty; it should be a dnstap file or a capture"};
  const std::span<const uint8_t> first = window.first(std::min(window.size(), kMagicLen));
  if (auto reader = make_dnstap_reader(first, name(), *options_, input_)) return reader;
  if (auto reader = make_capture_reader(first, name(), options_->packets, input_)) return reader;
  std::string starts;
  for (uint8_t byte : first) {
    constexpr char kHex[] = "0123456789abcdef";
    starts += {' ', kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return Error{name() +
               " is neither a dnstap file (Frame Streams) nor a capture (pcap, pcapng): it starts with" +
               starts};
}

Status OpenFile::look() {
  (void)fill_first();
  if (!source_->fault().empty()) return Error{source_->fault()};
  auto reader = make_reader();
  if (!reader) return reader.error();
  return Ok{};
}

Poll OpenFile::read(const Now& now, FrameWriter& writer, InputCounters& counters) {
  if (reader_ == nullptr) {
    if (fill_first() == ByteSource::Fill::wait) return Poll::idle;
    if (!source_->fault().empty() && source_->window().empty()) return end(source_->fault());
    auto reader = make_reader();
    if (!reader) return end(reader.error().message);
    reader_ = std::move(reader).value();
  }
  const uint64_t begin = source_->consumed();
  Poll result = at_end_ ? Poll::done : reader_->read(*source_, now, writer, counters);
  counters.bytes.add(source_->consumed() - begin);
  at_end_ = result == Poll::done;
  if (at_end_ && !reader_->finish(now, writer, counters)) result = Poll::idle;
  counters.held.set(reader_->held_units());
  const bool waiting = result == Poll::idle && reader_->waits_for_room();
  if (waiting && waiting_since_ns_ != 0) counters.backpressure_ns.add(now.mono_ns - waiting_since_ns_);
  waiting_since_ns_ = waiting ? now.mono_ns : 0;
  if (result != Poll::done) return result;
  return end(reader_->fault().empty() ? source_->fault() : reader_->fault());
}

bool OpenFile::finish(const Now& now, FrameWriter& writer, InputCounters& counters) {
  if (reader_ == nullptr) return true;
  const bool finished = reader_->finish(now, writer, counters);
  counters.held.set(reader_->held_units());
  return finished;
}

void OpenFile::abandon(InputCounters& counters) {
  if (reader_ == nullptr) return;
  reader_->abandon(counters);
  counters.held.set(reader_->held_units());
}

Poll OpenFile::end(std::string fault) {
  fault_ = std::move(fault);
  return Poll::done;
}

}  // namespace weir
