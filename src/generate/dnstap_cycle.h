// DnstapCycle: dnstap frames rendered once with libprotobuf, to be sent round and round with number, id and
// times stamped in place, so that the load costs a copy a frame. Built on the control thread; then read by
// all sending threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/generate/traffic.h"

namespace weir {

struct DnstapCycleOptions {
  TrafficOptions traffic;
  size_t transactions = 65'536;
  bool pairs = false;  // CLIENT_QUERY and CLIENT_RESPONSE instead of one CLIENT_RESPONSE with both messages
  uint64_t start_ns = 0;  // time of transaction 0, since 1970
  uint64_t step_ns = 0;   // from one transaction to the next
};

class DnstapCycle {
 public:
  explicit DnstapCycle(const DnstapCycleOptions& options);

  // The frames of transaction `number`, each behind its length (Frame Streams data frames), stamped: one, or
  // two with pairs. Appends at `out`, which needs max_bytes() of room; returns the end.
  char* write(char* out, uint64_t number) const noexcept;
  [[nodiscard]] size_t max_bytes() const noexcept { return max_bytes_; }
  [[nodiscard]] unsigned frames_per_transaction() const noexcept { return options_.pairs ? 2 : 1; }

 private:
  // Where a frame's stamped values stand, from the start of its length; 0: not there.
  struct Slot {
    uint64_t start = 0;  // in bytes_
    uint32_t len = 0;    // with the length's 4 bytes
    uint32_t latency_ns = 0;
    uint32_t query_time = 0;  // the seconds, a varint of kSecondsBytes
    uint32_t query_nsec = 0;
    uint32_t response_time = 0;
    uint32_t response_nsec = 0;
    uint32_t query = 0;  // the DNS messages
    uint32_t response = 0;
  };

  void add(const Transaction& transaction, bool query, bool response);
  void find_fields(Slot& slot) const;
  char* write_frame(char* out, const Slot& slot, uint64_t number, uint64_t round) const noexcept;
  void stamp_message(char* message, uint64_t number, uint64_t round) const noexcept;

  DnstapCycleOptions options_;
  std::string bytes_;
  std::vector<Slot> slots_;
  size_t max_bytes_ = 0;
};

}  // namespace weir
