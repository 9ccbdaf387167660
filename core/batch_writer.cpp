#include "core/batch_writer.h"

namespace weir {

uint8_t* BatchWriter::reserve(size_t bytes, uint64_t mono_ns) noexcept {
  const uint32_t need = padded(bytes);
  if (open_ != nullptr && open_->capacity - open_->used < need && !flush()) {
    full_ = Full::ring;
    return nullptr;
  }
  if (open_ == nullptr) {
    ring_.collect(pool_);  // first what just came back: its lines are still in cache
    open_ = pool_.take(need);
    if (open_ == nullptr) {
      full_ = Full::pool;
      return nullptr;
    }
    open_->opened_ns = mono_ns;
  }
  full_ = Full::none;
  return open_->data + open_->used;
}

void BatchWriter::commit(uint32_t record_len, uint32_t units) noexcept {
  open_->used += record_len;
  open_->records += 1;
  open_->units += units;
  open_units_.set(open_->units);
}

bool BatchWriter::put(const Mark& mark, uint64_t mono_ns) noexcept {
  const bool of_another = open_ != nullptr && open_->mark && open_->mark.arrived != mark.arrived;
  if (of_another && !flush()) return false;
  if (open_ == nullptr) {
    ring_.collect(pool_);
    open_ = pool_.take(0);
    if (open_ == nullptr) return false;
    open_->opened_ns = mono_ns;
  }
  const bool flush_first = open_->mark.flush || mark.flush;
  open_->mark = mark;
  open_->mark.flush = flush_first;
  return true;
}

void BatchWriter::end_burst(uint64_t mono_ns) noexcept {
  if (open_ == nullptr) return;
  if (ring_.waiting() == 0 || mono_ns - open_->opened_ns > kNsPerMs) (void)flush();
}

bool BatchWriter::flush() noexcept {
  if (open_ == nullptr) return true;
  if (open_->records == 0 && !open_->mark) {
    pool_.put(open_);
    open_ = nullptr;
    return true;
  }
  if (!ring_.push(open_)) return false;
  open_ = nullptr;
  open_units_.set(0);
  return true;
}

uint64_t BatchWriter::abandon() noexcept {
  if (open_ == nullptr) return 0;
  const uint64_t units = open_->units;
  pool_.put(open_);
  open_ = nullptr;
  open_units_.set(0);
  return units;
}

}  // namespace weir
