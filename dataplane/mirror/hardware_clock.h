// HardwareClock: from the time stamps that a NIC puts on packets to wall-clock time. A NIC counts ticks of a
// clock of its own, at a pace that it does not tell: pairs of its clock and the system's, taken every second,
// do. Written by one thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

class HardwareClock {
 public:
  // The same instant on both clocks. From the second call on, times can be told.
  void set(uint64_t ticks, uint64_t wall_ns) noexcept;
  // Stamps are of this many nanoseconds each since 1970, and set() is not needed (DPDK's net_pcap).
  void set_unit(uint64_t ns) noexcept;
  // wall_ns, the time of the burst, where it is not known.
  [[nodiscard]] uint64_t wall_ns(uint64_t ticks, uint64_t burst_wall_ns) const noexcept;

 private:
  // A line through the last two pairs. The one that is not read is written.
  struct Line {
    std::atomic<uint64_t> ticks{0};
    std::atomic<uint64_t> wall_ns{0};
    std::atomic<double> ns_a_tick{0};  // 0: not known
  };
  Line lines_[2];
  std::atomic<unsigned> current_{0};
  uint64_t last_ticks_ = 0;
  uint64_t last_wall_ns_ = 0;
};

}  // namespace weir
