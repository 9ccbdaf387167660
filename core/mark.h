// Mark: a place in the traffic of one input, sent down the street behind its frames, that tells the input
// when all before it has left the outputs (docs/decisions/0011). Travels in a batch's header, is no unit, and
// arrives by a counter: one a shard, written by that shard's export lcore. Marks of one counter are taken in
// order, and a later one stands for the earlier ones; so two that meet in one batch become one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/counter.h"

namespace weir {

struct Mark {
  Counter* arrived = nullptr;  // set to `number` when it has; outlives the street. nullptr: no mark
  uint64_t number = 0;
  uint16_t input = 0;  // index of the input in the configuration
  bool flush = false;  // what waits for its partner is written first: nothing follows for now

  explicit operator bool() const noexcept { return arrived != nullptr; }
};

// The marks that a stage has read and that wait there for Behind: what has to leave the stage before them.
// Owner: the stage.
template <class Behind>
class MarkQueue {
 public:
  static constexpr size_t kMost = 64;

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  // false: there is no room, pass some first. A full queue puts the mark in the place of the latest one of
  // its counter.
  [[nodiscard]] bool put(const Mark& mark, Behind behind) {
    if (waiting_.size() < kMost) {
      waiting_.emplace_back(mark, std::move(behind));
      return true;
    }
    const auto latest = std::find_if(waiting_.rbegin(), waiting_.rend(),
                                     [&](const auto& item) { return item.first.arrived == mark.arrived; });
    if (latest == waiting_.rend()) return false;
    *latest = {mark, std::move(behind)};
    return true;
  }
  // Takes out each mark for which pass(mark, behind) is true. A mark that stays keeps back the later ones of
  // its counter, whose Behind includes its own.
  template <class Pass>
  void pass(Pass&& pass) {
    std::erase_if(waiting_, [&](const auto& item) { return pass(item.first, item.second); });
  }

 private:
  std::vector<std::pair<Mark, Behind>> waiting_;
};

}  // namespace weir
