// DoneMarks: what is remembered of the last transactions that were written, so that a packet that the mirror
// delivers twice does not come out twice. A ring: the newest mark takes the place of the oldest. Owner: the
// matcher.
//
// A search looks at no more than kMaxPerHash marks with its hash. A mark stands under its flow and id; where
// those are taken, under its query and, a second time, under its response.
#pragma once

#include <cstdint>

#include "core/lazy_array.h"
#include "core/prefetch.h"

namespace weir {

struct DoneMark {
  uint64_t hash;  // that it is found by
  uint64_t query_time_ns;
  uint64_t response_time_ns;
  uint32_t query_wire;  // the low bits of SeededHash::bytes
  uint32_t response_wire;
};

class DoneMarks {
 public:
  static constexpr unsigned kMaxPerHash = 16;

  // count is rounded up to a power of two.
  explicit DoneMarks(size_t count);

  void add(const DoneMark& mark) noexcept;
  // Adds one whose hash is that of a message, not of a flow and id.
  void add_by_message(const DoneMark& mark) noexcept;
  // Whether there is no room for another mark with this hash, of a flow and id.
  [[nodiscard]] bool crowded(uint64_t hash) const noexcept;
  // Whether marks may stand under their messages.
  [[nodiscard]] bool any_by_message() const noexcept { return newest_ - newest_by_message_ < marks_.size(); }
  // The newest mark with this hash that `matches` takes; nullptr: none. Of one message there may be more than
  // are looked at, if it was part of a transaction over and over; then a copy of it may come out once more.
  template <class Matches>
  [[nodiscard]] const DoneMark* find(uint64_t hash, Matches&& matches) const noexcept {
    unsigned looks = 0;
    uint32_t number = buckets_[hash & bucket_mask_];
    for (uint32_t age = newest_ - number; age < marks_.size();) {
      const Link& link = links_[place(number)];
      const DoneMark& mark = marks_[place(number)];
      if (link.tag == tag_of(hash) && mark.hash == hash) {
        if (matches(mark)) return &mark;
        if (++looks == kMaxPerHash) return nullptr;
      }
      // What lies behind a mark that was overwritten was overwritten too; ages grow along a chain.
      number = link.before;
      const uint32_t next_age = newest_ - number;
      if (next_age <= age) break;
      age = next_age;
    }
    return nullptr;
  }
  void prefetch_bucket(uint64_t hash) const noexcept { prefetch(&buckets_[hash & bucket_mask_]); }
  void prefetch_link(uint64_t hash) const noexcept {
    prefetch(&links_[place(buckets_[hash & bucket_mask_])]);
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
  uint32_t newest_by_message_ = 0;
};

}  // namespace weir
