#include "core/ring.h"

#include <rte_ring.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace weir {

void Ring::FreeRing::operator()(rte_ring* ring) const noexcept { std::free(ring); }

Ring::RtePtr Ring::make(unsigned capacity) {
  // RING_F_EXACT_SZ rounds the storage up to a power of two above capacity.
  const unsigned slots = std::bit_ceil(capacity + 1);
  const ssize_t bytes = rte_ring_get_memsize(slots);
  if (bytes < 0) throw std::bad_alloc();
  void* memory = std::aligned_alloc(64, (static_cast<size_t>(bytes) + 63) & ~size_t{63});
  if (memory == nullptr) throw std::bad_alloc();
  auto* ring = static_cast<rte_ring*>(memory);
  if (rte_ring_init(ring, "weir", capacity, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ) != 0) {
    std::free(memory);
    throw std::bad_alloc();
  }
  return RtePtr(ring);
}

Ring::Ring(unsigned capacity, unsigned pool_size)
    : capacity_(std::max(capacity, 1U)), forward_(make(capacity_)), back_(make(std::max(pool_size, 1U))) {}

Ring::~Ring() = default;

bool Ring::push(Batch* batch) noexcept {
  const uint64_t units = batch->units;
  if (rte_ring_sp_enqueue(forward_.get(), batch) != 0) return false;
  pushed_.add(units);
  const uint64_t pushed = pushed_.get();
  const uint64_t popped = popped_.get();
  highest_.raise(pushed > popped ? pushed - popped : 0);
  return true;
}

void Ring::collect(BatchPool& pool) noexcept {
  void* batches[32];
  unsigned n = 0;
  while ((n = rte_ring_sc_dequeue_burst(back_.get(), batches, 32, nullptr)) != 0)
    for (unsigned i = 0; i < n; ++i) pool.put(static_cast<Batch*>(batches[i]));
}

Batch* Ring::pop() noexcept {
  void* batch = nullptr;
  if (rte_ring_sc_dequeue(forward_.get(), &batch) != 0) return nullptr;
  auto* popped = static_cast<Batch*>(batch);
  popped_.add(popped->units);
  return popped;
}

void Ring::release(Batch* batch) noexcept {
  // Cannot be full: it holds as many as the pool has.
  while (rte_ring_sp_enqueue(back_.get(), batch) != 0) {
  }
}

bool Ring::ended() const noexcept { return closed_.load(std::memory_order_acquire) && waiting() == 0; }

unsigned Ring::waiting() const noexcept { return rte_ring_count(forward_.get()); }

uint64_t Ring::depth() const noexcept {
  const uint64_t popped = popped_.get();
  const uint64_t pushed = pushed_.get();
  return pushed > popped ? pushed - popped : 0;
}

}  // namespace weir
