// FrameStreamsWriter: the writing end of a two-way Frame Streams connection as a state machine: the reader's
// bytes in, what is to be sent next out; no I/O. Used by whatever sends dnstap frames over a socket, be it
// the one that dials or the one that listens: the writer says READY in both.
//
//   READY →, ← ACCEPT, START →, data frames →, STOP →, ← FINISH
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/net/control_frame.h"

namespace weir {

class FrameStreamsWriter {
 public:
  enum class State : uint8_t {
    ready,     // READY is under way; ACCEPT is due
    running,   // data frames may be sent, behind START
    stopping,  // STOP is under way; FINISH is due
    finished,  // FINISH came: the reader has had everything
    failed,    // fault(); the connection is of no more use
  };

  // What is to be sent before anything else, in whole: READY.
  static std::string_view opening();
  // Once running, before the first data frame.
  static std::string_view start();
  // Behind the last data frame.
  static std::string_view stop();

  // Takes what the reader sent. Control frames that have no place where they stand are passed over.
  State take(std::span<const uint8_t> bytes);
  // stop() goes out.
  void begin_stop() noexcept {
    if (state_ == State::running) state_ = State::stopping;
  }

  [[nodiscard]] State state() const noexcept { return state_; }
  // A clause: "it does not accept protobuf:dnstap.Dnstap".
  [[nodiscard]] std::string_view fault() const noexcept { return fault_; }

 private:
  void take_control(std::span<const uint8_t> payload);
  void fail(std::string_view why) noexcept {
    state_ = State::failed;
    fault_ = why;
  }

  State state_ = State::ready;
  std::string_view fault_;
  std::array<uint8_t, kControlHeaderLen + kControlLenLimit> bytes_{};  // of a control frame, so far
  size_t have_ = 0;
};

}  // namespace weir
