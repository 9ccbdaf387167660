// FrameWriter: the ingest lcore's way out: puts each Frame into the batch of its shard. Every input of the
// lcore writes through the one FrameWriter. Owner: the ingest lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/batch_writer.h"
#include "core/drop.h"
#include "core/frame.h"
#include "core/stage.h"

namespace weir {

class FrameWriter {
 public:
  // rings: one a shard, this lcore producing; they and the pool outlive the writer.
  FrameWriter(const std::vector<Ring*>& rings, BatchPool& pool);

  [[nodiscard]] unsigned shards() const noexcept { return static_cast<unsigned>(writers_.size()); }

  // A Frame with room for `bytes` behind it, its record_len and arrival_ns set, payload_len `bytes`, and the
  // rest as default-constructed; or nullptr when the shard has no room (Drop::ring_full or Drop::pool_empty,
  // see why_full()). Fill it, then commit() before the next reserve(); a frame that is not committed never
  // was.
  [[nodiscard]] Frame* reserve(unsigned shard, uint32_t bytes, const Now& now) noexcept;
  void commit() noexcept;
  [[nodiscard]] Drop why_full() const noexcept;

  // A mark behind all frames that the shard was given so far. false: no room, call again.
  [[nodiscard]] bool put(unsigned shard, const Mark& mark, const Now& now) noexcept {
    return writers_[shard]->put(mark, now.mono_ns);
  }

  // Called by IngestStage.
  void end_burst(const Now& now) noexcept;
  [[nodiscard]] bool flush() noexcept;  // all shards; false: call again
  void close() noexcept;                // after a true flush()
  uint64_t abandon() noexcept;          // units in open batches, to be counted as dropped
  // Any thread.
  [[nodiscard]] uint64_t pushed() const noexcept;  // units, to the rings
  [[nodiscard]] uint64_t open_units() const noexcept;

 private:
  std::vector<std::unique_ptr<BatchWriter>> writers_;
  BatchPool& pool_;
  BatchWriter* reserved_ = nullptr;
  const Frame* frame_ = nullptr;  // the reserved one
  BatchWriter::Full full_ = BatchWriter::Full::none;
};

}  // namespace weir
