// DoneMarks: what is remembered of the last transactions that were written, so that a packet that the mirror
// delivers twice does not come out twice. A ring: the newest mark takes the place of the oldest. Owner: the
// matcher.
#pragma once

#include <cstdint>

#include "decoder/lazy_array.h"

namespace weir {

struct DoneMark {
  uint64_t hash;  // SeededHash::key
  uint64_t query_time_ns;
  uint64_t response_time_ns;
  uint32_t query_wire;  // the low bits of SeededHash::bytes
  uint32_t response_wire;
};

class DoneMarks {
 public:
  // count is rounded up to a power of two.
  explicit DoneMarks(size_t count);

  void add(const DoneMark& mark) noexcept;
  // The newest mark with this hash that `matches` takes; nullptr: none.
  template <class Matches>
  [[nodiscard]] const DoneMark* find(uint64_t hash, Matches&& matches) const noexcept {
    uint32_t number = buckets_[hash & bucket_mask_];
    for (uint32_t age = newest_ - number; age < marks_.size();) {
      const Link& link = links_[place(number)];
      const DoneMark& mark = marks_[place(number)];
      if (link.tag == tag_of(hash) && mark.hash == hash && matches(mark)) return &mark;
      // What lies behind a mark that was overwritten was overwritten too; ages grow along a chain.
      number = link.before;
      const uint32_t next_age = newest_ - number;
      if (next_age <= age) break;
      age = next_age;
    }
    return nullptr;
  }
  void prefetch_bucket(uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[hash & bucket_mask_]); }
  void prefetch_link(uint64_t hash) const noexcept {
    __builtin_prefetch(&links_[place(buckets_[hash & bucket_mask_])]);
  }

 private:
  // Apart from the marks, so that a search that finds nothing, as nearly all do, stays in a small memory.
  struct Link {
    uint32_t before;  // number of the mark before it in its bucket
    uint32_t tag;
  };

  static uint32_t tag_of(uint64_t hash) noexcept { return static_cast<uint32_t>(hash >> 32U); }
  [[nodiscard]] size_t place(uint32_t number) const noexcept { return number & (marks_.size() - 1); }

  LazyArray<DoneMark> marks_;
  LazyArray<Link> links_;
  LazyArray<uint32_t> buckets_;  // number of the newest mark
  uint64_t bucket_mask_;
  uint32_t newest_;
};

}  // namespace weir
