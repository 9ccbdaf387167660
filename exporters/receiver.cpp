#include "exporters/receiver.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "exporters/file_framing.h"

namespace weir {
namespace {

constexpr uint64_t kAnswerNs = 5 * kNsPerSec;
constexpr uint64_t kReadNs = 100 * kNsPerMs;  // while no answer is due

constexpr std::array<std::string_view, static_cast<size_t>(ReceiverEnd::count_)> kEnds = {
    "none", "finished", "left", "handshake", "stalled", "not_finished"};

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

Receiver::Receiver(int fd, bool is_unix, std::string name, uint64_t stall_ns, const Now& now)
    : is_unix_(is_unix),
      name_(std::move(name)),
      stall_ns_(stall_ns),
      fd_(fd),
      left_(FrameStreamsWriter::opening()),
      answer_by_ns_(now.mono_ns + kAnswerNs),
      progress_ns_(now.mono_ns) {
  if (!is_unix) watch_for_death(fd);
}

Receiver::~Receiver() {
  if (fd_ >= 0) ::close(fd_);
}

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
  (void)send_left();
  const bool answer_due = before != State::running;
  if (!over() && (answer_due || now.mono_ns >= next_read_ns_)) {
    next_read_ns_ = now.mono_ns + kReadNs;
    hear();
  }
  if (!over() && answer_due && before == state_ && now.mono_ns >= answer_by_ns_)
    close(before == State::handshake ? ReceiverEnd::handshake : ReceiverEnd::not_finished);
  if (!over()) look_for_stall(now);
  return state_ != before;
}

// Bytes sent into the kernel are no progress: a peer that is dead or never reads takes some of them too.
void Receiver::look_for_stall(const Now& now) {
  sent_bytes_.refresh(fd_, is_unix_);
  note_unsettled();
  const uint64_t settled = sent_total_ - std::min<uint64_t>(sent_total_, sent_bytes_.unsettled());
  if (unsettled() == 0 || settled > most_settled_ || !running()) {
    most_settled_ = std::max(most_settled_, settled);
    progress_ns_ = now.mono_ns;
  } else if (now.mono_ns - progress_ns_ >= stall_ns_) {
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

void Receiver::hear() {
  std::array<uint8_t, 4096> bytes;
  // Behind FINISH the reader may close, and that is no fault.
  while (writer_.state() != FrameStreamsWriter::State::finished) {
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return close(ReceiverEnd::left);
    writer_.take({bytes.data(), static_cast<size_t>(n)});
  }
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
      spdlog::warn("{}: {}", name_, writer_.fault());
      return close(ReceiverEnd::handshake);
    case FrameStreamsWriter::State::ready:
    case FrameStreamsWriter::State::stopping:
      return;
  }
}

size_t Receiver::send_some(std::string_view bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      close(ReceiverEnd::left);
      break;
    }
  }
  sent_bytes_.add(sent);
  sent_total_ += sent;
  return sent;
}

bool Receiver::send_left() {
  if (!left_.empty()) left_.erase(0, send_some(left_));
  return !over() && left_.empty();
}

void Receiver::note_unsettled() noexcept {
  unsettled_.store(sent_bytes_.unsettled() + left_.size(), std::memory_order_release);
}

void Receiver::close(ReceiverEnd end) {
  ::close(std::exchange(fd_, -1));
  end_ = end;
  state_.store(State::over, std::memory_order_release);
}

}  // namespace weir
