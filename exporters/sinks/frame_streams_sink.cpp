#include "exporters/sinks/frame_streams_sink.h"

#include <spdlog/spdlog.h>

#include <array>

namespace weir {
namespace {

using State = FrameStreamsWriter::State;

constexpr uint64_t kAnswerNs = 5 * kNsPerSec;
constexpr uint64_t kReadNs = 100 * kNsPerMs;  // while no answer is due

}  // namespace

size_t FrameStreamsSink::write(std::string_view records, size_t sent, const Now& now) {
  // A connection that was made after the last poll() has had no READY yet.
  if (!up() || session_ != peer_.connects()) return sent;
  send_control(now);
  if (!control_left_.empty()) return sent;
  return sent + peer_.send(records.substr(sent), now);
}

bool FrameStreamsSink::poll(const Now& now) {
  if (done_) return false;
  bool worked = peer_.poll(now);
  if (!peer_.connected()) return worked;
  if (session_ != peer_.connects()) begin_session(now);
  send_control(now);
  const bool answer_due = writer_.state() != State::running;
  if (!answer_due && now.mono_ns < next_read_ns_) return worked;
  next_read_ns_ = now.mono_ns + kReadNs;
  hear(now);
  worked |= answer_due != (writer_.state() != State::running);
  if (!peer_.connected()) return worked;
  if (writer_.state() == State::failed)
    peer_.fail(std::string(writer_.fault()), now);
  else if (writer_.state() == State::ready && now.mono_ns >= answer_by_ns_)
    peer_.fail("it does not answer READY with ACCEPT", now);
  return worked;
}

void FrameStreamsSink::begin_session(const Now& now) {
  session_ = peer_.connects();
  writer_ = {};
  say(FrameStreamsWriter::opening(), now.mono_ns + kAnswerNs);
}

void FrameStreamsSink::hear(const Now& now) {
  std::array<uint8_t, 4096> bytes;
  const State before = writer_.state();
  // Behind FINISH the reader may close, and that is no fault.
  while (writer_.state() != State::finished) {
    const size_t n = peer_.receive(bytes, now);
    if (n == 0) break;
    writer_.take({bytes.data(), n});
  }
  if (before == State::ready && writer_.state() == State::running) {
    say(FrameStreamsWriter::start(), 0);
    send_control(now);
  }
}

void FrameStreamsSink::say(std::string_view control, uint64_t answer_by_ns) {
  control_left_ = control;
  answer_by_ns_ = answer_by_ns;
}

void FrameStreamsSink::send_control(const Now& now) {
  if (!control_left_.empty()) control_left_.remove_prefix(peer_.send(control_left_, now));
}

bool FrameStreamsSink::finish(const Now& now) {
  if (done_) return true;
  if (up()) {
    send_control(now);
    if (!control_left_.empty()) return false;
    writer_.begin_stop();
    say(FrameStreamsWriter::stop(), now.mono_ns + kAnswerNs);
    send_control(now);
  }
  const bool waits = peer_.connected() && writer_.state() == State::stopping;
  if (waits && now.mono_ns < answer_by_ns_) return false;
  if (waits) spdlog::warn("{}: it does not answer STOP with FINISH", to_string(peer_.peer()));
  peer_.close();
  return done_ = true;
}

}  // namespace weir
