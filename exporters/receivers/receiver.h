// Receiver: one connection that was accepted by a listening dnstap output. All export lcores of the output
// send it whole frames, behind a lock that nobody waits for; frames that the kernel took in part are ended
// from a copy, so that no lcore has to come back for them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/net/frame_streams_writer.h"
#include "exporters/sinks/peer_stream.h"

namespace weir {

// Why a receiver's connection ended. Names are the values of weir_output_receivers_closed_total's reason.
enum class ReceiverEnd : uint8_t {
  none,
  finished,      // it answered STOP with FINISH
  left,          // it closed, or was reset
  tls,           // it does not speak TLS, or a certificate is not accepted
  handshake,     // no ACCEPT in time, or something else than ACCEPT
  stalled,       // it took nothing for stall_timeout
  not_finished,  // STOP had no FINISH in time, or the drain time was over before STOP
  count_
};
std::string_view to_string(ReceiverEnd end) noexcept;

class Receiver {
 public:
  // name: for log lines.
  Receiver(PeerStream stream, std::string name, uint64_t stall_ns, const Now& now);
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // Any export lcore. `frames` begin with a frame. How many bytes are taken, whole frames: sent, or to be
  // sent before all else. 0 where another lcore is sending.
  [[nodiscard]] size_t send(std::string_view frames);
  // Any export lcore, often: handshake, what is left to send, deaths, stalls. true: started, or ended.
  bool poll(const Now& now);
  // Any export lcore: STOP goes out behind what was taken. Again, it does nothing.
  void begin_stop(const Now& now);
  // Each export lcore, once: it sends this receiver nothing more.
  void lcore_is_done() noexcept { lcores_done_.fetch_add(1, std::memory_order_acq_rel); }
  [[nodiscard]] unsigned lcores_done() const noexcept { return lcores_done_.load(std::memory_order_acquire); }
  // Nobody sends any more, and there is no time left.
  void abandon();

  [[nodiscard]] bool running() const noexcept {
    return state_.load(std::memory_order_acquire) == State::running;
  }
  [[nodiscard]] bool over() const noexcept { return state_.load(std::memory_order_acquire) == State::over; }
  // Of the last bytes taken, those that may still be lost, at most.
  [[nodiscard]] size_t unsettled() const noexcept { return unsettled_.load(std::memory_order_acquire); }
  // Once over.
  [[nodiscard]] ReceiverEnd end() const noexcept { return end_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }  // a clause, or empty
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Events that it was too slow for, or had not taken at the end. Any export lcore adds.
  void add_lost(uint64_t events) noexcept { lost_.fetch_add(events, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  enum class State : uint8_t { handshake, running, stopping, over };

  bool step(const Now& now);
  void hear();
  size_t send_some(std::string_view bytes);
  bool send_left();
  void look_for_stall(const Now& now);
  void note_unsettled() noexcept;
  void close_if_over();
  void close(ReceiverEnd end, std::string why = {});

  const std::string name_;
  const uint64_t stall_ns_;
  std::atomic<State> state_{State::handshake};
  std::atomic<size_t> unsettled_{0};
  std::atomic<uint64_t> lost_{0};
  std::atomic<unsigned> lcores_done_{0};

  std::mutex mutex_;
  std::optional<PeerStream> stream_;
  FrameStreamsWriter writer_;
  std::string left_;  // taken, not sent yet: control frames, the rest of a frame
  uint64_t answer_by_ns_;
  uint64_t next_read_ns_ = 0;
  uint64_t sent_total_ = 0;
  uint64_t most_settled_ = 0;
  uint64_t progress_ns_;  // when more was settled than ever before, or nothing was under way
  ReceiverEnd end_ = ReceiverEnd::none;
  std::string why_;
};

}  // namespace weir
