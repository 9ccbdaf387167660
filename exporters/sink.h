// Sink: where an output's bytes go. Owner: the export lcore of its output. Takes blocks of whole lines, in
// order, and never waits longer than the kernel makes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/metric.h"

namespace weir {

class Sink {
 public:
  virtual ~Sink() = default;

  // `lines` are whole lines; the first `sent` bytes of them were taken before. Returns how many bytes are
  // taken now. Fewer than `sent`, back to the start of the line that `sent` lies in, when that line has to be
  // written again from its start (a reopened file). The caller offers the same block until
  // it is taken whole, and then the next.
  [[nodiscard]] virtual size_t write(std::string_view lines, size_t sent, const Now& now) = 0;
  // Of what write() took last, the bytes that may still be lost (TCP: not acknowledged). After a break: those
  // that were so when it happened, until take_break().
  [[nodiscard]] virtual size_t unsettled() const { return 0; }
  // true once after a break: what was unsettled is to be offered again, from the start of its first line.
  [[nodiscard]] virtual bool take_break() { return false; }
  // Every loop: connects, reopens, notices a dead peer. true: did work.
  virtual bool poll(const Now&) { return false; }
  // Control thread, after the lcore stopped: `lines` are left with `sent` bytes taken. A sink that can takes
  // the first part of a cut line back.
  virtual void abandon(std::string_view /*lines*/, size_t /*sent*/) {}

  virtual void request_reopen() {}  // any thread
  // Takes data, as far as is known.
  [[nodiscard]] virtual bool up() const noexcept { return true; }
  // Opens, connects and writes that failed so far.
  [[nodiscard]] virtual uint64_t faults() const noexcept { return 0; }
  // A sentence when nothing can be written any more, else empty.
  [[nodiscard]] virtual const std::string& ended() const noexcept = 0;
  virtual void describe(MetricVisitor&, const Labels&) const {}  // any thread
};

// Where the line that holds byte `sent` starts.
inline size_t line_start(std::string_view lines, size_t sent) noexcept {
  if (sent == 0) return 0;
  const size_t newline = lines.rfind('\n', sent - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

}  // namespace weir
