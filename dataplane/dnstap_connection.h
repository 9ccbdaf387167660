// DnstapConnection: one sender's stream: its socket, where its Frame Streams stand, and the beginning of a
// frame whose rest has not come. Owner: DnstapStreams, on its ingest lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/net/byte_stream.h"
#include "core/net/frame_streams.h"
#include "dataplane/connection_board.h"
#include "dataplane/dnstap_intake.h"

namespace weir {

class DnstapConnection {
 public:
  enum class Taken : uint8_t { all, no_room, fault };

  DnstapConnection(ByteStream stream, uint32_t frame_limit, uint64_t mono_ns);
  // Epoll and the listener's list point to it.
  DnstapConnection(const DnstapConnection&) = delete;
  DnstapConnection& operator=(const DnstapConnection&) = delete;

  // Once TLS is there: the name in the peer's certificate becomes part of where its frames come from.
  void note_peer_name();
  // Works through bytes that were read, from their front: frames to the intake, replies to the sender. all:
  // an unfinished frame was kept. no_room: what is left in `bytes` must be given again, and nothing else
  // before.
  [[nodiscard]] Taken take(std::span<const uint8_t>& bytes, const Now& now, DnstapIntake& intake,
                           FrameWriter& writer, InputCounters& counters);

  // The stream ends here: was it inside a frame (which was not counted yet)?
  [[nodiscard]] bool cut_in_frame() const noexcept { return streams_.cut_in_frame(held_); }
  // For a stream that is given up while `rest` waits for room: how many whole frames there were.
  uint64_t give_up(std::span<const uint8_t> rest);
  // Bytes that are missing in the frame whose beginning is held; 0: nothing is held.
  [[nodiscard]] size_t missing() const noexcept { return held_.empty() ? 0 : streams_.need() - held_.size(); }
  [[nodiscard]] size_t held_memory() const noexcept { return held_.capacity(); }

  [[nodiscard]] int fd() const noexcept { return stream_.fd(); }
  [[nodiscard]] ByteStream& stream() noexcept { return stream_; }
  [[nodiscard]] const Endpoint& peer() const noexcept { return from_.peer; }
  [[nodiscard]] const StreamId& stream_id() const noexcept { return from_.stream; }
  [[nodiscard]] const std::string& peer_name() const noexcept { return peer_name_; }
  [[nodiscard]] const FrameStreams& streams() const noexcept { return streams_; }
  // START came, and a frame.
  [[nodiscard]] bool had_frames() const noexcept { return from_.stream.sequence > 1; }
  // When it was accepted, or its last session ended: the start of the handshake time-out.
  [[nodiscard]] uint64_t waiting_since_ns() const noexcept { return waiting_since_ns_; }
  [[nodiscard]] uint64_t last_byte_ns() const noexcept { return last_byte_ns_; }
  // Since the last call.
  uint32_t take_odd() noexcept { return std::exchange(odd_, 0); }
  uint32_t take_too_long() noexcept { return std::exchange(too_long_, 0); }

  // For DnstapStreams:
  size_t index = 0;                        // in its list
  std::shared_ptr<ConnectionPlace> place;  // its metrics, if it is shown
  size_t drain_left = 0;                   // bytes to read before it is closed at stop
  bool unread = false;                     // there is something to do that epoll does not know of
  bool watched_for_room = false;           // by epoll
  // With rate_limit:
  uint64_t allowance = 0;        // bytes that may be read now
  uint64_t allowance_at_ns = 0;  // when it was reckoned
  uint64_t paused_until_ns = 0;  // not read until then; 0: it is read

 private:
  void hold(std::span<const uint8_t>& bytes, size_t n);
  void release() noexcept;
  void count_frame() noexcept;
  void reply();

  ByteStream stream_;
  StreamOrigin from_;  // of the next frame
  std::string peer_name_;
  FrameStreams streams_;
  std::vector<uint8_t> held_;
  uint64_t waiting_since_ns_;
  uint64_t last_byte_ns_;
  uint32_t odd_ = 0;
  uint32_t too_long_ = 0;
};

}  // namespace weir
