// Batch: what travels over a ring: one block of memory with records (Frames, or Events) back to back, so that
// a hop costs one pointer for a hundred records and the reader walks memory in order (docs/decisions/0002).
// BatchPool: a producing lcore's batches. The producer takes; the consumer gives a batch back through the
// ring that it came by; the producer collects. No lock, no shared free list: only rings' two ends are shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/counter.h"
#include "core/mark.h"

namespace weir {

class BatchPool;

// Records start with a uint32_t: their own length in bytes, header and padding included, a multiple of 8.
struct Batch {
  uint8_t* data = nullptr;
  uint32_t capacity = 0;
  uint32_t used = 0;       // bytes
  uint32_t records = 0;    // Frames or Events
  uint32_t units = 0;      // units in them: an Event made of query and response counts two
  uint64_t opened_ns = 0;  // CLOCK_MONOTONIC when the first record was put in
  Mark mark;               // behind the records; there may be a mark and no record
  bool large = false;      // made for one record over the usual size; freed when it comes home

  void clear() noexcept {
    used = records = units = 0;
    mark = {};
  }
};

template <class Record, class Visit>
void for_each_record(const Batch& batch, Visit&& visit) {
  for (uint32_t at = 0; at < batch.used;) {
    const auto* record = reinterpret_cast<const Record*>(batch.data + at);
    at += record->record_len;
    visit(*record);
  }
}

// Owner: one producing lcore. Built and destroyed on the control thread while no lcore runs.
class BatchPool {
 public:
  // count batches of batch_bytes (rounded up to whole cache lines, on which each starts), and up to
  // large_count at once of up to large_bytes for records that need more.
  BatchPool(size_t count, size_t batch_bytes, size_t large_count, size_t large_bytes);
  ~BatchPool();
  BatchPool(const BatchPool&) = delete;
  BatchPool& operator=(const BatchPool&) = delete;

  // A cleared batch with room for at least `bytes`, or nullptr when none is free (or bytes > large_bytes).
  [[nodiscard]] Batch* take(size_t bytes) noexcept;
  // A batch back home. The most recently used is taken next: its lines are still in cache.
  void put(Batch* batch) noexcept;

  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] size_t batch_bytes() const noexcept { return batch_bytes_; }
  // More than this no batch can ever hold.
  [[nodiscard]] size_t largest_bytes() const noexcept { return largest_bytes_; }
  [[nodiscard]] uint64_t in_use() const noexcept { return in_use_.get(); }  // any thread

 private:
  size_t count_;
  size_t batch_bytes_;
  size_t large_left_;
  size_t large_bytes_;
  size_t largest_bytes_;
  uint8_t* memory_ = nullptr;
  size_t memory_bytes_ = 0;
  std::vector<Batch> batches_;
  std::vector<Batch*> free_;
  std::vector<Batch*> large_live_;
  Counter in_use_;
};

}  // namespace weir
