// PcapOutput: an output of packets. It takes no events: copies of packets come over rings of their own, from
// the ingest lcores' taps, and are written as RecordOutput writes events. There is one of each such output,
// on one export lcore, so that a file has one writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/mark.h"
#include "core/ring.h"
#include "exporters/capture/packet_format.h"
#include "exporters/record_output.h"

namespace weir {

class PcapOutput : public RecordOutputOf<CapturedPacket> {
 public:
  // format: borrowed by the sink's file, which it therefore outlives.
  PcapOutput(const PcapOptions& options, unsigned lcore, std::unique_ptr<PacketFormat> format,
             std::unique_ptr<Sink> sink);

  // Before the lcore runs: a ring that copies come over; it outlives the output.
  void read_from(Ring& ring) { in_.push_back(&ring); }

  [[nodiscard]] bool take(const Batch& /*events*/, const Now& /*now*/) override { return true; }
  bool poll(const Now& now) override;
  [[nodiscard]] bool drain(const Now& now) override;
  void request_reopen() override { reopen_sink(); }
  void abandon_batch(const Batch& /*events*/) override {}
  void abandon() override;
  // No event is kept here: marks of copies come over the output's own rings.
  [[nodiscard]] bool is_out(uint64_t /*place*/) const noexcept override { return true; }

  // Copies that are in the rings, or popped and not yet taken in. Any thread; holds when the lcores rest.
  [[nodiscard]] uint64_t under_way() const noexcept;

 private:
  bool pop_next() noexcept;
  bool take_current(const Now& now);
  void release_current() noexcept;
  void pass_marks();

  std::vector<Ring*> in_;
  size_t next_ring_ = 0;
  Batch* current_ = nullptr;
  Ring* current_ring_ = nullptr;
  bool taken_ = false;  // all of current_, whose mark waits for a place
  MarkQueue<uint64_t> marks_;
};

}  // namespace weir
