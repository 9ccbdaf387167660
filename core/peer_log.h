// PeerLog: which log lines about peers are written: at most ten in ten seconds, so that no peer can flood the
// log; the next line says how many were left out. Owner: the lcore that logs.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"

namespace weir {

class PeerLog {
 public:
  bool due(uint64_t mono_ns) noexcept {
    if (mono_ns >= window_end_ns_) {
      window_end_ns_ = mono_ns + 10 * kNsPerSec;
      lines_ = 0;
    }
    if (lines_ == kLines) {
      ++left_out_;
      return false;
    }
    ++lines_;
    return true;
  }
  // After a true due(): for the end of the line, empty when nothing was left out.
  std::string left_out() {
    if (left_out_ == 0) return {};
    std::string text = " (" + std::to_string(left_out_) + " such lines were left out before)";
    left_out_ = 0;
    return text;
  }

 private:
  static constexpr unsigned kLines = 10;
  uint64_t window_end_ns_ = 0;
  unsigned lines_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace weir
