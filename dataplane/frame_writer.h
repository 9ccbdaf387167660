// FrameWriter: the ingest lcore's way out: puts each Frame into the batch of its shard. Every input of the
// lcore writes through the one FrameWriter; copies of packets leave by the tap beside it. Owner: the ingest
// lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/batch_writer.h"
#include "core/drop.h"
#include "core/frame.h"
#include "core/stage.h"
#include "dataplane/capture_tap.h"

namespace weir {

class FrameWriter {
 public:
  // rings: one a shard, this lcore producing; they and the pool outlive the writer. tap: nullptr where no
  // output takes packets.
  FrameWriter(const std::vector<Ring*>& rings, BatchPool& pool, std::unique_ptr<CaptureTap> tap = nullptr);

  [[nodiscard]] unsigned shards() const noexcept { return static_cast<unsigned>(writers_.size()); }

  // A Frame with room for `bytes` behind it, its record_len and arrival_ns set, payload_len `bytes`, and the
  // rest as default-constructed; or nullptr when the shard has no room (Drop::ring_full or Drop::pool_empty,
  // see why_full()). Fill it, then commit() before the next reserve(); a frame that is not committed never
  // was.
  [[nodiscard]] Frame* reserve(unsigned shard, uint32_t bytes, const Now& now) noexcept;
  void commit() noexcept;
  [[nodiscard]] Drop why_full() const noexcept;

  // nullptr: nobody wants copies.
  [[nodiscard]] CaptureTap* tap() noexcept { return tap_.get(); }
  [[nodiscard]] const CaptureTap* tap() const noexcept { return tap_.get(); }

  // A mark behind all that went this way so far: to a shard, or behind the shards' numbers a way of the tap.
  // false: no room, call again.
  [[nodiscard]] bool put(unsigned way, const Mark& mark, const Now& now) noexcept {
    if (way >= shards()) return tap_->put(way - shards(), mark, now);
    return writers_[way]->put(mark, now.mono_ns);
  }

  // Called by IngestStage.
  void end_burst(const Now& now) noexcept;
  [[nodiscard]] bool flush() noexcept;  // everything; false: call again
  void close() noexcept;                // after a true flush()
  uint64_t abandon() noexcept;          // units in open batches, to be counted as dropped
  // Any thread.
  [[nodiscard]] uint64_t pushed() const noexcept;  // units, to the rings
  [[nodiscard]] uint64_t open_units() const noexcept;

 private:
  std::vector<std::unique_ptr<BatchWriter>> writers_;
  BatchPool& pool_;
  std::unique_ptr<CaptureTap> tap_;
  BatchWriter* reserved_ = nullptr;
  const Frame* frame_ = nullptr;  // the reserved one
  BatchWriter::Full full_ = BatchWriter::Full::none;
};

}  // namespace weir
