// IngestStage: polls one ingest lcore's inputs in turn and flushes its batches at the end of each burst.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "core/stage.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"

namespace weir {

class IngestStage : public Stage {
 public:
  IngestStage(unsigned lcore, std::vector<std::unique_ptr<Input>> inputs, const std::vector<Ring*>& rings,
              std::unique_ptr<BatchPool> pool, std::unique_ptr<CaptureTap> tap = nullptr);

  Poll poll(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;

  // Any thread: the next poll stops the inputs.
  void request_stop() noexcept { stop_requested_.store(true, std::memory_order_relaxed); }
  // Any thread: every input has ended and its frames are in the rings.
  [[nodiscard]] bool ended() const noexcept { return all_ended_.load(std::memory_order_relaxed); }
  // out: units pushed to the rings. Any thread; even when the lcore rests.
  [[nodiscard]] Balance balance() const noexcept;
  // nullptr: no output takes packets.
  [[nodiscard]] const CaptureTap* tap() const noexcept { return writer_.tap(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Input>>& inputs() const noexcept { return inputs_; }

 private:
  unsigned lcore_;
  std::unique_ptr<BatchPool> pool_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::vector<bool> ended_;
  FrameWriter writer_;
  DropCounters drops_;  // of frames that no input owns any more
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> all_ended_{false};
  bool stopped_ = false;
};

}  // namespace weir
