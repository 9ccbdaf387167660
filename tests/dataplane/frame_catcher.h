// FrameCatcher: the far end of a FrameWriter for tests: keeps every frame that comes over its rings.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"

namespace weir {

struct CaughtFrame {
  Frame head;
  std::string payload;
  unsigned shard = 0;
};

class FrameCatcher {
 public:
  explicit FrameCatcher(unsigned shards = 1, unsigned ring_depth = 64, size_t batches = 256,
                        size_t batch_bytes = 64U << 10U)
      : pool_(batches, batch_bytes, 4, (1U << 20U) + sizeof(Frame)) {
    std::vector<Ring*> rings;
    for (unsigned s = 0; s < shards; ++s) {
      rings_.push_back(std::make_unique<Ring>(ring_depth, static_cast<unsigned>(batches + 4)));
      rings.push_back(rings_.back().get());
    }
    writer_ = std::make_unique<FrameWriter>(std::move(rings), pool_);
  }

  FrameWriter& writer() { return *writer_; }
  std::vector<CaughtFrame>& frames() { return frames_; }

  // Everything written so far; what it held is free again.
  void drain() {
    while (!writer_->flush()) pop_all();
    pop_all();
    writer_->end_burst(Now{});
  }

  // What waits in the rings, not the open batches.
  void pop_all() {
    for (unsigned s = 0; s < rings_.size(); ++s) {
      while (Batch* batch = rings_[s]->pop()) {
        for_each_record<Frame>(*batch, [&](const Frame& frame) {
          const auto payload = frame.payload();
          frames_.push_back({frame, {payload.begin(), payload.end()}, s});
        });
        rings_[s]->release(batch);
      }
    }
  }

 private:
  BatchPool pool_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::unique_ptr<FrameWriter> writer_;
  std::vector<CaughtFrame> frames_;
};

// Everything that came in is a frame, a drop or still held.
inline void expect_even(const Input& input) {
  const InputCounters& c = input.counters();
  EXPECT_EQ(c.units.get(), c.frames.get() + c.joined.get() + c.drops.total(StageKind::ingest) + c.held.get());
}

}  // namespace weir
