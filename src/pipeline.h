// Pipeline: the street as the plan draws it: stages, the rings between them, their lcores. Built, started,
// stopped and destroyed on the control thread. EAL runs already when it is built.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/ring.h"
#include "dataplane/ingest_stage.h"
#include "decoder/decode_stage.h"
#include "exporters/capture/pcap_output.h"
#include "exporters/export_stage.h"
#include "src/lcore_loop.h"
#include "src/plan/plan.h"

namespace weir {

// One line of the balance: a stage, a kind of ring, or an output. in = out + drops + in_flight, in units; of
// an output `pcap` ("copies NAME"), in copies of packets, from the tap to the file.
struct BalanceLine {
  std::string name;
  Balance balance;
};

class Pipeline {
 public:
  // Opens inputs and outputs. An Error names the key or device and the remedy.
  static Result<std::unique_ptr<Pipeline>> build(const Config& config, const Plan& plan);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  Status start();
  // Inputs stop; the rest drains and ends by itself.
  void request_stop();
  // Outputs reopen their files, inputs read their certificates again.
  void request_reopen();
  // Every input has ended by itself or by request_stop(), and its frames are on their way.
  [[nodiscard]] bool inputs_ended() const;
  // Every lcore has ended by itself.
  [[nodiscard]] bool ended() const;
  // Ends lcores wherever they are, then counts what is left anywhere as dropped at shutdown. false: an lcore
  // does not come back (the kernel holds it in a write), nothing was counted, and the pipeline must not be
  // destroyed.
  [[nodiscard]] bool finish();

  [[nodiscard]] std::vector<BalanceLine> balance() const;
  // A sentence for each input or output that ended because of a fault.
  [[nodiscard]] std::vector<std::string> faults() const;
  // An output takes nothing any more, so that going on is of no use.
  [[nodiscard]] bool output_ended() const;
  // An lcore that has not turned for `limit_ns`: its name, else empty.
  [[nodiscard]] std::string stuck_lcore(uint64_t limit_ns) const;
  void describe(MetricVisitor& visitor) const;

  struct Progress {
    uint64_t units_in = 0, events_written = 0, drops = 0;  // drops: of kind drop only
    uint64_t bytes_done = 0, bytes_all = 0;                // files
    bool output_down = false;                              // an output's destination takes nothing now
  };
  [[nodiscard]] Progress progress() const;

 private:
  Pipeline() = default;
  Status open_inputs(const Config& config, const Plan& plan,
                     std::vector<std::vector<std::unique_ptr<Input>>>& lanes);
  Status open_outputs(const Config& config, const Plan& plan,
                      std::vector<std::vector<std::unique_ptr<Output>>>& lanes);
  Status open_captures(const Config& config, const Plan& plan,
                       std::vector<std::vector<std::unique_ptr<Output>>>& lanes);
  std::unique_ptr<CaptureTap> make_tap(const Config& config, const Plan& plan);
  [[nodiscard]] Balance copies(unsigned capture) const;

  std::atomic<bool> abort_{false};
  std::vector<std::vector<std::unique_ptr<Ring>>> frame_rings_;  // [ingest][shard]
  std::vector<std::unique_ptr<Ring>> event_rings_;               // [shard]
  std::vector<std::unique_ptr<Ring>> copy_rings_;                // ingest lcore by ingest lcore
  std::vector<PcapOutput*> captures_;                            // which the export stages own
  size_t shared_outputs_ = 0;                                    // that each export stage has, before those
  std::vector<std::unique_ptr<IngestStage>> ingest_;
  std::vector<std::unique_ptr<DecodeStage>> decode_;
  std::vector<std::unique_ptr<ExportStage>> export_;
  std::vector<std::unique_ptr<LcoreLoop>> loops_;
  std::vector<unsigned> lcore_ids_;  // EAL's, in the order of loops_
};

}  // namespace weir
