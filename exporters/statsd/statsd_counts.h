// StatsdCounts: what statsd lines are made of: one number a series, added to by events and taken away once it
// was sent, so that what is sent adds up to the events exactly (docs/statsd.md). Owner: an export lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"

namespace weir {

class StatsdCounts {
 public:
  // Series are named PREFIX.GROUP.NAME; all names are known from the start, so nobody can make them grow.
  explicit StatsdCounts(const std::string& prefix);

  void add(const Event& event) noexcept;

  [[nodiscard]] size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] const std::string& name(size_t series) const noexcept { return names_[series]; }
  [[nodiscard]] uint64_t value(size_t series) const noexcept { return values_[series]; }
  void take_away(size_t series, uint64_t value) noexcept { values_[series] -= value; }

 private:
  // A run of series: numbers from `first` on, and behind them one for all that have no name.
  struct Group {
    size_t at = 0;
    size_t count = 0;
    int32_t first = 0;
  };

  template <class Name>
  Group add_group(const std::string& prefix, int32_t first, int32_t last, Name name);
  void count(const Group& group, int32_t number) noexcept;
  void count_latency(const Event& event) noexcept;

  std::vector<std::string> names_;  // empty: no number of this name, counted with the others
  std::vector<uint64_t> values_;
  size_t events_;
  Group types_;
  Group queries_;
  Group responses_;
  Group transports_;
  Group families_;
  Group malformed_;
  size_t latency_count_;
  size_t latency_sum_us_;
  size_t latency_buckets_;
};

}  // namespace weir
