// Sink: where an output's bytes go. Owner: the export lcore of its output. Takes blocks of whole records, in
// order, and never waits longer than the kernel makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/drop.h"
#include "core/metric.h"

namespace weir {

// A record that a sink has taken and that the destination does not want: it is dropped and counted in place
// of written. `end` counts the bytes of all that write() ever took up to the record's end.
struct RefusedRecord {
  uint64_t end = 0;
  Drop reason = Drop::refused;
};

class Sink {
 public:
  virtual ~Sink() = default;

  // `records` are whole records; the first `sent` bytes of them were taken before. Returns how many bytes are
  // taken now. Fewer than `sent`, back to the start of the record that `sent` lies in, when that record has
  // to be written again from its start (a reopened file). The caller offers the same block until it is taken
  // whole, and then the next.
  [[nodiscard]] virtual size_t write(std::string_view records, size_t sent, const Now& now) = 0;
  // Of what write() took last, the bytes that may still be lost (TCP: not acknowledged). After a break: those
  // that were so when it happened, until take_break().
  [[nodiscard]] virtual size_t unsettled() const { return 0; }
  // true once after a break: what was unsettled is to be offered again, from the start of its first record.
  [[nodiscard]] virtual bool take_break() { return false; }
  // Of what is settled since the caller last looked, what was refused, in order; the caller takes them off.
  // nullptr: such a sink refuses nothing. A break takes `end` back to what is settled.
  [[nodiscard]] virtual std::deque<RefusedRecord>* refusals() { return nullptr; }
  // Every loop: connects, reopens, notices a dead peer. true: did work.
  virtual bool poll(const Now&) { return false; }
  // After the last write(), when all is settled: says good-bye. true: done, or of no use any more.
  [[nodiscard]] virtual bool finish(const Now&) { return true; }
  // Control thread, after the lcore stopped: `records` are left with `sent` bytes taken. A sink that
  // can takes the first part of a cut record back.
  virtual void abandon(std::string_view /*records*/, size_t /*sent*/) {}

  virtual void request_reopen() {}  // any thread
  // Any thread: a write(), poll() or finish() that waits, as those of sinks with a thread of their own may
  // (OffloadedSink), is to return soon, and so are those that come after.
  virtual void interrupt() noexcept {}
  // Takes data, as far as is known.
  [[nodiscard]] virtual bool up() const noexcept { return true; }
  // Opens, connects and writes that failed so far.
  [[nodiscard]] virtual uint64_t faults() const noexcept { return 0; }
  // A sentence when nothing can be written any more, else empty.
  [[nodiscard]] virtual const std::string& ended() const noexcept = 0;
  virtual void describe(MetricVisitor&, const Labels&) const {}  // any thread
};

}  // namespace weir
