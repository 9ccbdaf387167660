#include "core/batch.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace weir {

BatchPool::BatchPool(size_t count, size_t batch_bytes, size_t large_count, size_t large_bytes)
    : count_(count),
      batch_bytes_((batch_bytes + 63) & ~size_t{63}),
      large_left_(large_count),
      large_bytes_(large_bytes),
      largest_bytes_(large_count != 0 ? std::max(batch_bytes_, large_bytes) : batch_bytes_),
      memory_bytes_(count * batch_bytes_),
      batches_(count) {
  void* memory = mmap(nullptr, memory_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<uint8_t*>(memory);
  free_.reserve(count);
  large_live_.reserve(large_count);
  for (size_t i = count; i-- > 0;) {
    batches_[i].data = memory_ + i * batch_bytes_;
    batches_[i].capacity = static_cast<uint32_t>(batch_bytes_);
    free_.push_back(&batches_[i]);
  }
}

BatchPool::~BatchPool() {
  for (Batch* batch : large_live_) {
    delete[] batch->data;
    delete batch;
  }
  munmap(memory_, memory_bytes_);
}

Batch* BatchPool::take(size_t bytes) noexcept {
  Batch* batch = nullptr;
  if (bytes <= batch_bytes_) {
    if (free_.empty()) return nullptr;
    batch = free_.back();
    free_.pop_back();
  } else {
    if (large_left_ == 0 || bytes > large_bytes_) return nullptr;
    batch = new (std::nothrow) Batch;
    auto* data = new (std::nothrow) uint8_t[bytes];
    if (batch == nullptr || data == nullptr) {
      delete batch;
      delete[] data;
      return nullptr;
    }
    batch->data = data;
    batch->capacity = static_cast<uint32_t>(bytes);
    batch->large = true;
    large_live_.push_back(batch);
    --large_left_;
  }
  batch->clear();
  in_use_.add(1);
  return batch;
}

void BatchPool::put(Batch* batch) noexcept {
  in_use_.set(in_use_.get() - 1);
  if (!batch->large) {
    free_.push_back(batch);
    return;
  }
  large_live_.erase(std::find(large_live_.begin(), large_live_.end(), batch));
  ++large_left_;
  delete[] batch->data;
  delete batch;
}

}  // namespace weir
