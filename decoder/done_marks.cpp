#include "decoder/done_marks.h"

#include <algorithm>
#include <bit>

namespace weir {

// Numbers start so that the zeros in the untouched buckets are too old to be looked at.
DoneMarks::DoneMarks(size_t count)
    : marks_(std::bit_ceil(std::max<size_t>(count, 1))),
      links_(marks_.size()),
      buckets_(marks_.size() * 2),
      bucket_mask_(buckets_.size() - 1),
      newest_(static_cast<uint32_t>(marks_.size())) {}

void DoneMarks::add(const DoneMark& mark) noexcept {
  uint32_t& bucket = buckets_[mark.hash & bucket_mask_];
  ++newest_;
  marks_[place(newest_)] = mark;
  links_[place(newest_)] = {.before = bucket, .tag = tag_of(mark.hash)};
  bucket = newest_;
}

void DoneMarks::add_by_message(const DoneMark& mark) noexcept {
  add(mark);
  newest_by_message_ = newest_;
}

bool DoneMarks::crowded(uint64_t hash) const noexcept {
  unsigned count = 0;
  return find(hash, [&count](const DoneMark&) { return ++count == kMaxPerHash; }) != nullptr;
}

}  // namespace weir
