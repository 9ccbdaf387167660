// StreamClock: time that only grows, from the packets' times: they may come out of order by a little, or from
// a clock that was set back. Owner: TcpStreams, on its ingest lcore.
#pragma once

#include <cstdint>

namespace weir {

class StreamClock {
 public:
  uint64_t pass_to(uint64_t time_ns) noexcept {
    if (!started_ || time_ns + kOutOfOrder < latest_ns_) {
      latest_ns_ = time_ns;
      started_ = true;
    } else if (time_ns > latest_ns_) {
      now_ns_ += time_ns - latest_ns_;
      latest_ns_ = time_ns;
    }
    return now_ns_;
  }
  [[nodiscard]] uint64_t now() const noexcept { return now_ns_; }

 private:
  static constexpr uint64_t kOutOfOrder = 1'000'000'000;

  uint64_t now_ns_ = 0;
  uint64_t latest_ns_ = 0;
  bool started_ = false;
};

}  // namespace weir
