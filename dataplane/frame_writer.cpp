#include "dataplane/frame_writer.h"

#include <new>
#include <utility>

namespace weir {

FrameWriter::FrameWriter(const std::vector<Ring*>& rings, BatchPool& pool, std::unique_ptr<CaptureTap> tap)
    : pool_(pool), tap_(std::move(tap)) {
  writers_.reserve(rings.size());
  for (Ring* ring : rings) writers_.push_back(std::make_unique<BatchWriter>(*ring, pool));
}

Frame* FrameWriter::reserve(unsigned shard, uint32_t bytes, const Now& now) noexcept {
  BatchWriter& writer = *writers_[shard];
  const size_t record = sizeof(Frame) + bytes;
  uint8_t* room = writer.reserve(record, now.mono_ns);
  if (room == nullptr) {
    full_ = writer.full();
    return nullptr;
  }
  reserved_ = &writer;
  auto* frame = new (room) Frame;
  frame_ = frame;
  frame->record_len = BatchWriter::padded(record);
  frame->payload_len = bytes;
  frame->arrival_ns = now.mono_ns;
  return frame;
}

void FrameWriter::commit() noexcept { reserved_->commit(frame_->record_len, frame_->units); }

Drop FrameWriter::why_full() const noexcept {
  return full_ == BatchWriter::Full::pool ? Drop::pool_empty : Drop::ring_full;
}

void FrameWriter::end_burst(const Now& now) noexcept {
  for (auto& writer : writers_) {
    writer->ring().collect(pool_);
    writer->end_burst(now.mono_ns);
  }
  if (tap_ != nullptr) tap_->end_burst(now);
}

bool FrameWriter::flush() noexcept {
  bool all = true;
  for (auto& writer : writers_) all &= writer->flush();
  if (tap_ != nullptr) all &= tap_->flush();
  return all;
}

void FrameWriter::close() noexcept {
  for (auto& writer : writers_) writer->ring().close();
  if (tap_ != nullptr) tap_->close();
}

uint64_t FrameWriter::abandon() noexcept {
  uint64_t units = 0;
  for (auto& writer : writers_) units += writer->abandon();
  if (tap_ != nullptr) tap_->abandon();
  return units;
}

uint64_t FrameWriter::pushed() const noexcept {
  uint64_t units = 0;
  for (const auto& writer : writers_) units += writer->ring().pushed();
  return units;
}

uint64_t FrameWriter::open_units() const noexcept {
  uint64_t units = 0;
  for (const auto& writer : writers_) units += writer->open_units();
  return units;
}

}  // namespace weir
