// ElapsedTime: a time line that only goes forward, made of packet times, which may jump. So what is listed by
// age stays in order of age, and time-outs are found at the front of the list. Owner: a packet input's
// reassembly, on its ingest lcore.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir {

class ElapsedTime {
 public:
  // slack_ns: packets that are older than the newest by up to this much are in disorder, and time stands
  // still. Older ones: the clock was set back, or another capture begins, and time goes on from there.
  explicit ElapsedTime(uint64_t slack_ns) noexcept : slack_ns_(slack_ns) {}

  // The packet's time → nanoseconds that have passed since some start.
  uint64_t advance(uint64_t time_ns) noexcept {
    if (time_ns > newest_ns_) {
      // A leap of centuries is none that has to be told from one of decades, and would wrap.
      elapsed_ns_ += std::min(time_ns - newest_ns_, uint64_t{1} << 62U);
      newest_ns_ = time_ns;
    } else if (newest_ns_ - time_ns > slack_ns_) {
      newest_ns_ = time_ns;
    }
    return elapsed_ns_;
  }
  [[nodiscard]] uint64_t now() const noexcept { return elapsed_ns_; }

 private:
  uint64_t slack_ns_;
  uint64_t newest_ns_ = 0;
  uint64_t elapsed_ns_ = 0;
};

}  // namespace weir
