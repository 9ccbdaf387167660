// FrameStreams: Frame Streams (the framing of dnstap) as a state machine over bytes: bytes in, frames and
// replies out, no I/O and no buffer of its own. Used by dnstap connections and dnstap files, on the ingest
// lcore that owns them.
//
//   bidirectional   READY →, ← ACCEPT, START →, data frames →, STOP →, ← FINISH
//   unidirectional  START, data frames, STOP           (files, and some senders)
//   data frame      length (u32 big-endian, not 0) · payload
//   control frame   control_frame.h
//
// Taken as it comes, since senders differ: READY or START first; START again, or a new session, in the middle
// or after STOP (files that were appended to); no STOP at all. Once READY was said the stream is two-way for
// good: a later session that begins with START gets its FINISH, too, as its writer may wait for it.
//
// A sound control frame that has no place where it stands, or of an unknown type, is passed over once a
// stream runs (Step::odd): the framing is not in doubt. All else ends the stream with a fault, as there is no
// way to find the next frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

// Why a stream was given up. Names are the values of weir_dnstap_stream_faults_total's reason.
enum class StreamFault : uint8_t {
  none,
  not_frame_streams,   // it does not begin with the four zeros of a control frame
  control_too_long,    // a control frame over 512 bytes
  control_bad,         // a control frame that contradicts itself
  control_unexpected,  // a control frame that a sender must not begin with
  content_type,        // READY or START names content types, and none is dnstap's
  data_outside,        // a data frame before START or after STOP
  length_insane,       // a data frame of more than 256 MiB: the framing is lost
  count_
};
constexpr size_t kStreamFaultCount = static_cast<size_t>(StreamFault::count_);
std::string_view to_string(StreamFault fault) noexcept;
// A clause for messages: "its content type is not protobuf:dnstap.Dnstap".
std::string_view describe(StreamFault fault) noexcept;

class FrameStreams {
 public:
  enum class Step : uint8_t {
    more,      // what is left is the start of something: feed it again, need() bytes long at least
    frame,     // frame() is a data frame within the bytes fed
    too_long,  // a data frame over the limit begins; its bytes are skipped from here on
    reply,     // send reply(): ACCEPT
    start,     // START: data frames follow
    end,       // STOP: the stream ended as it should; send reply() if it is not empty: FINISH
    odd,       // a control frame was passed over
    fault,     // fault(); no further call
  };

  explicit FrameStreams(uint32_t frame_limit) : frame_limit_(frame_limit) {}

  // Takes one step and the bytes that it used from the front of `bytes`. Step::frame does not change the
  // state: a frame for which there is no room now is simply fed again later.
  [[nodiscard]] Step next(std::span<const uint8_t>& bytes) noexcept {
    if (bytes.size() >= 4) [[likely]] {
      const uint32_t len = load_be32(bytes.data());
      if (len - 1 < data_limit_ && bytes.size() - 4 >= len) [[likely]] {
        frame_ = bytes.subspan(4, len);
        bytes = bytes.subspan(4 + static_cast<size_t>(len));
        return Step::frame;
      }
    }
    return next_rare(bytes);
  }

  [[nodiscard]] std::span<const uint8_t> frame() const noexcept { return frame_; }
  [[nodiscard]] std::span<const uint8_t> reply() const noexcept { return reply_; }
  // After Step::more: how long the rest must become for the next step. At most frame limit + 4, or 520.
  [[nodiscard]] size_t need() const noexcept { return need_; }
  [[nodiscard]] StreamFault fault() const noexcept { return fault_; }
  // START came and STOP did not.
  [[nodiscard]] bool running() const noexcept { return state_ == State::running; }
  // STOP came, and nothing after it.
  [[nodiscard]] bool ended() const noexcept { return state_ == State::ended; }
  // The bytes end here, `rest` being left over: were they cut inside a data frame (that was not counted as
  // too long already)?
  [[nodiscard]] bool cut_in_frame(std::span<const uint8_t> rest) const noexcept;

 private:
  enum class State : uint8_t { first, ready, running, ended, failed };

  static uint32_t load_be32(const uint8_t* p) noexcept {
    return static_cast<uint32_t>(p[0]) << 24U | static_cast<uint32_t>(p[1]) << 16U |
           static_cast<uint32_t>(p[2]) << 8U | p[3];
  }
  Step next_rare(std::span<const uint8_t>& bytes) noexcept;
  Step control(std::span<const uint8_t> payload) noexcept;
  Step ready() noexcept;
  Step start() noexcept;
  Step fail(StreamFault fault) noexcept;
  Step wait_for(size_t bytes) noexcept;

  uint32_t frame_limit_;
  uint32_t data_limit_ =
      0;               // frame_limit_ while data frames may come, else 0: one comparison on the hot path
  uint32_t skip_ = 0;  // bytes of a frame over the limit still to come
  State state_ = State::first;
  bool bidirectional_ = false;  // READY came
  StreamFault fault_ = StreamFault::none;
  size_t need_ = 4;
  std::span<const uint8_t> frame_;
  std::span<const uint8_t> reply_;
};

}  // namespace weir
