// Input: one ingest lcore's part of a configured input (a queue of a port, the connections that it accepted,
// a file). Polled by that lcore; reads at most a burst (256 KiB or 32 packets) and writes Frames.
#pragma once

#include <cstdint>
#include <string>

#include "core/drop.h"
#include "core/stage.h"
#include "dataplane/frame_writer.h"

namespace weir {

// units = frames + joined + drops + held, for this input on this lcore. A dnstap frame is a unit when it has
// arrived whole and was written or dropped (so a stream under backpressure holds bytes, not units); a packet
// when it was polled.
struct InputCounters {
  Counter units;  // dnstap frames or packets that came in, also those lost before us (NIC, kernel)
  Counter bytes;
  Counter frames;           // committed to the FrameWriter
  Counter joined;           // packets that are in a frame beside its first
  Counter held;             // a level, not a sum: units taken in that wait for room
  Counter backpressure_ns;  // time with input waiting and no room in the rings
  DropCounters drops;
};

class Input {
 public:
  // name, index: of the input in the configuration; lcore: the ingest lcore's number.
  Input(std::string name, uint16_t index, unsigned lcore)
      : name_(std::move(name)), index_(index), lcore_(lcore) {}
  virtual ~Input() = default;

  // The owner lcore. done: a file that is at its end, or stopped and nothing left. `writer` has room or not:
  // with overflow: backpressure an input keeps what it has read until there is room, and answers idle.
  virtual Poll poll(const Now& now, FrameWriter& writer) = 0;
  // The owner lcore: take in nothing new; what has arrived completely is still written by poll() until done.
  virtual void stop(const Now& now) = 0;
  // Any thread (SIGHUP): files that the input was given, such as certificates, are read again, directories
  // looked at.
  virtual void request_reload() {}
  // Control thread after the lcore stopped: units still held are counted as Drop::ingest_shutdown.
  virtual void abandon() = 0;
  // Any thread. The common counters are shown by IngestStage; here only what is the input's own.
  virtual void describe(MetricVisitor& visitor) const = 0;
  // Files: bytes read and in all (0: unknown), for progress. Any thread.
  [[nodiscard]] virtual uint64_t size() const { return 0; }
  [[nodiscard]] virtual uint64_t position() const { return 0; }
  // Set by an input that ended because of a fault (file unreadable in the middle, ...): a sentence. Control
  // thread, after done.
  [[nodiscard]] virtual std::string fault() const { return {}; }

  [[nodiscard]] const InputCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] uint16_t index() const noexcept { return index_; }
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }

 protected:
  InputCounters counters_;

 private:
  std::string name_;
  uint16_t index_;
  unsigned lcore_;
};

}  // namespace weir
