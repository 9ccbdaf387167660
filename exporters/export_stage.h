// ExportStage: pops Events from the rings of its decode lcores and gives each batch to every output.
#pragma once

#include <memory>
#include <vector>

#include "core/ring.h"
#include "core/stage.h"
#include "exporters/output.h"

namespace weir {

class ExportStage : public Stage {
 public:
  ExportStage(unsigned lcore, std::vector<Ring*> in, std::vector<std::unique_ptr<Output>> outputs);

  Poll poll(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;
  // in: units popped; out: units given to all outputs; in_flight: units of the batch that an output has no
  // room for; drops: units left in the rings at abandon(). Each output has its own balance.
  [[nodiscard]] Balance balance() const noexcept;
  [[nodiscard]] const std::vector<std::unique_ptr<Output>>& outputs() const noexcept { return outputs_; }

 private:
  bool pop_next() noexcept;
  bool give_current(const Now& now);
  void release_current() noexcept;
  [[nodiscard]] std::vector<uint64_t> places() const;
  void pass_marks();

  unsigned lcore_;
  std::vector<Ring*> in_;
  std::vector<std::unique_ptr<Output>> outputs_;
  size_t next_ring_ = 0;
  Batch* current_ = nullptr;  // popped, not yet taken by outputs_[taken_] and those after it
  Ring* current_ring_ = nullptr;
  size_t taken_ = 0;
  MarkQueue<std::vector<uint64_t>> marks_;  // each behind a place in every output
  Counter out_units_;
  Counter held_units_;  // a level: units of current_
  DropCounters drops_;
  bool draining_ = false;
};

}  // namespace weir
