// DecodeStage: one shard: pops frames from every ingest lcore's ring, decodes dnstap frames into Events and
// pairs those that are to be, matches packets' queries with responses, and writes Events to its export
// lcore's ring. It never drops for want of room: when the export ring is full it leaves its own rings unread,
// and the ingest lcores decide (Overflow).
#pragma once

#include <memory>
#include <vector>

#include "core/batch_writer.h"
#include "core/drop.h"
#include "core/stage.h"
#include "decoder/decode_options.h"

namespace weir {

class Matcher;

class DecodeStage : public Stage {
 public:
  // in: one ring an ingest lcore. out: the ring to export lcore shard mod E. Rings outlive the stage.
  DecodeStage(unsigned shard, const DecodeOptions& options, std::vector<Ring*> in, Ring* out,
              std::unique_ptr<BatchPool> pool);
  ~DecodeStage() override;

  Poll poll(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;
  [[nodiscard]] const DropCounters& drops() const noexcept;
  // in: units popped from the rings; out: units pushed to the export ring; in_flight: units that wait for
  // their partner, in the batch being read and in the open batch.
  [[nodiscard]] Balance balance() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir
