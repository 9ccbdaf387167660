#include "exporters/receivers/receiver.h"

#include <algorithm>
#include <array>
#include <utility>

#include "exporters/files/file_framing.h"

namespace weir {
namespace {

constexpr uint64_t kAnswerNs = 5 * kNsPerSec;
constexpr uint64_t kReadNs = 100 * kNsPerMs;  // while no answer is due

constexpr std::array<std::string_view, static_cast<size_t>(ReceiverEnd::count_)> kEnds = {
    "none", "finished", "left", "tls", "handshake", "stalled", "not_finished"};

// Where the first frame that ends at or behind `offset` ends.
size_t frame_end(std::string_view frames, size_t offset) {
  const size_t start = frame_streams_framing().record_start(frames, offset);
  if (start == offset) return offset;
  size_t len = 0;
  for (size_t i = 0; i < 4; ++i) len = len << 8U | static_cast<uint8_t>(frames[start + i]);
  return start + 4 + len;
}

}  // namespace

std::string_view to_string(ReceiverEnd end) noexcept { return kEnds[static_cast<size_t>(end)]; }

Receiver::Receiver(PeerStream stream, std::string name, uint64_t stall_ns, const Now& now)
    : name_(std::move(name)),
      stall_ns_(stall_ns),
      stream_(std::move(stream)),
      left_(FrameStreamsWriter::opening()),
      answer_by_ns_(now.mono_ns + kAnswerNs),
      progress_ns_(now.mono_ns) {}

size_t Receiver::send(std::string_view frames) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !running() || !send_left()) return 0;
  const size_t sent = send_some(frames);
  if (over()) return 0;
  const size_t taken = frame_end(frames, sent);
  left_ = frames.substr(sent, taken - sent);
  note_unsettled();
  return taken;
}

bool Receiver::poll(const Now& now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  return lock && !over() && step(now);
}

bool Receiver::step(const Now& now) {
  const State before = state_.load(std::memory_order_relaxed);
  const bool secured = stream_->secure();
  close_if_over();
  if (secured) (void)send_left();
  const bool answer_due = before != State::running;
  if (!over() && secured && (answer_due || now.mono_ns >= next_read_ns_)) {
    next_read_ns_ = now.mono_ns + kReadNs;
    hear();
  }
  if (!over() && answer_due && before == state_ && now.mono_ns >= answer_by_ns_)
    close(before != State::handshake ? ReceiverEnd::not_finished
          : secured                  ? ReceiverEnd::handshake
                                     : ReceiverEnd::tls);
  if (!over()) look_for_stall(now);
  return state_ != before;
}

// Bytes sent into the kernel are no progress: a peer that is dead or never reads takes some of them too.
// progress_ns_ may be another lcore's, whose clock was read after this one.
void Receiver::look_for_stall(const Now& now) {
  stream_->look();
  note_unsettled();
  const uint64_t settled = sent_total_ - std::min<uint64_t>(sent_total_, stream_->unsettled());
  if (unsettled() == 0 || settled > most_settled_ || !running()) {
    most_settled_ = std::max(most_settled_, settled);
    progress_ns_ = now.mono_ns;
  } else if (now.mono_ns >= progress_ns_ + stall_ns_) {
    close(ReceiverEnd::stalled);
  }
}

void Receiver::begin_stop(const Now& now) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::handshake) close(ReceiverEnd::handshake);
  if (!running()) return;
  left_ += FrameStreamsWriter::stop();
  writer_.begin_stop();
  answer_by_ns_ = now.mono_ns + kAnswerNs;
  state_.store(State::stopping, std::memory_order_release);
  (void)send_left();
}

void Receiver::abandon() {
  const std::lock_guard lock(mutex_);
  if (!over()) close(ReceiverEnd::not_finished);
}

void Receiver::hear() {
  std::array<uint8_t, 4096> bytes;
  // Behind FINISH the reader may close, and that is no fault.
  while (writer_.state() != FrameStreamsWriter::State::finished) {
    const size_t n = stream_->receive(bytes);
    if (n == 0) break;
    writer_.take({bytes.data(), n});
  }
  if (writer_.state() != FrameStreamsWriter::State::finished) close_if_over();
  if (over()) return;
  switch (writer_.state()) {
    case FrameStreamsWriter::State::running:
      if (state_ != State::handshake) return;
      left_ += FrameStreamsWriter::start();
      state_.store(State::running, std::memory_order_release);
      (void)send_left();
      return;
    case FrameStreamsWriter::State::finished:
      return close(ReceiverEnd::finished);
    case FrameStreamsWriter::State::failed:
      return close(ReceiverEnd::handshake, std::string(writer_.fault()));
    case FrameStreamsWriter::State::ready:
    case FrameStreamsWriter::State::stopping:
      return;
  }
}

size_t Receiver::send_some(std::string_view bytes) {
  const size_t sent = stream_->send(bytes);
  sent_total_ += sent;
  close_if_over();
  return sent;
}

bool Receiver::send_left() {
  if (!left_.empty()) left_.erase(0, send_some(left_));
  return !over() && left_.empty();
}

void Receiver::note_unsettled() noexcept {
  unsettled_.store(stream_->unsettled() + left_.size(), std::memory_order_release);
}

void Receiver::close_if_over() {
  if (!over() && stream_->over())
    close(stream_->failed_in_tls() ? ReceiverEnd::tls : ReceiverEnd::left, stream_->why());
}

void Receiver::close(ReceiverEnd end, std::string why) {
  stream_.reset();
  end_ = end;
  why_ = std::move(why);
  state_.store(State::over, std::memory_order_release);
}

}  // namespace weir
