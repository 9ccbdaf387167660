// Ring: the hand-off between one producing and one consuming lcore: batches forward, empty batches back. Each
// direction is a single-producer, single-consumer rte_ring; rings with several producers collapse when one of
// them is preempted, so there are none (docs/decisions/0001). Needs no EAL.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/batch.h"
#include "core/counter.h"

struct rte_ring;

namespace weir {

class Ring {
 public:
  // capacity: batches that may wait, at least 1. pool_size: batches that may come back at once.
  Ring(unsigned capacity, unsigned pool_size);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Producer lcore. false: full, the batch stays the caller's.
  [[nodiscard]] bool push(Batch* batch) noexcept;
  // Producer: nothing follows. The consumer sees it after it has popped what was pushed before.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  // Producer: batches that came back go home to `pool`.
  void collect(BatchPool& pool) noexcept;

  // Consumer lcore. nullptr: nothing waits.
  [[nodiscard]] Batch* pop() noexcept;
  // Consumer: done with the batch.
  void release(Batch* batch) noexcept;
  // Consumer: closed and nothing waits. Precondition of a true answer's meaning: checked after a pop gave
  // nullptr.
  [[nodiscard]] bool ended() const noexcept;

  // Any thread.
  [[nodiscard]] unsigned waiting() const noexcept;  // batches
  [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }
  [[nodiscard]] uint64_t depth() const noexcept;                            // units
  [[nodiscard]] uint64_t pushed() const noexcept { return pushed_.get(); }  // units
  [[nodiscard]] uint64_t popped() const noexcept { return popped_.get(); }
  uint64_t take_highest_depth() noexcept { return highest_.take(); }  // units, since the last call

 private:
  struct FreeRing {
    void operator()(rte_ring* ring) const noexcept;
  };
  using RtePtr = std::unique_ptr<rte_ring, FreeRing>;
  static RtePtr make(unsigned capacity);

  unsigned capacity_;
  RtePtr forward_;
  RtePtr back_;
  std::atomic<bool> closed_{false};
  alignas(64) Counter pushed_;  // producer's line
  HighWater highest_;
  alignas(64) Counter popped_;  // consumer's line
};

}  // namespace weir
