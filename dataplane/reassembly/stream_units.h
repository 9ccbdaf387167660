// StreamUnits: how many segments of TcpStreams have neither ended in a drop counter nor left in a message.
// Owner: TcpStreams, on its ingest lcore; held() any thread.
#pragma once

#include <cstdint>

#include "core/counter.h"
#include "core/drop.h"

namespace weir {

class StreamUnits {
 public:
  void count_in(DropCounters& drops) noexcept { drops_ = &drops; }
  void take(uint64_t units) noexcept { held_.add(units); }
  void leave(uint64_t units) noexcept { held_.set(held_.get() - units); }
  void end(Drop reason, uint64_t units) noexcept {
    if (units == 0) return;
    leave(units);
    drops_->add(reason, units);
  }
  [[nodiscard]] uint64_t held() const noexcept { return held_.get(); }

 private:
  Counter held_;
  DropCounters* drops_ = nullptr;
};

}  // namespace weir
