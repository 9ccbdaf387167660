#include "core/net/frame_streams.h"

#include <algorithm>

#include "core/net/control_frame.h"

namespace weir {
namespace {

// No dnstap sender makes frames of this size, and text (any ASCII character above the space) read as a length
// is larger: a stream that has lost its framing is better closed than skipped over for gigabytes.
constexpr uint32_t kInsaneLen = 256U << 20U;

struct FaultText {
  std::string_view name;
  std::string_view clause;
};
constexpr std::array<FaultText, kStreamFaultCount> kFaults = {{
    {"none", "nothing is wrong"},
    {"not_frame_streams", "it does not begin like Frame Streams"},
    {"control_too_long", "a control frame is over 512 bytes"},
    {"control_bad", "a control frame contradicts itself"},
    {"control_unexpected", "it begins with a control frame that a sender must not begin with"},
    {"content_type", "its content type is not protobuf:dnstap.Dnstap"},
    {"data_outside", "a data frame stands before START or after STOP"},
    {"length_insane", "a frame length is over 256 MiB, so the framing is lost"},
}};

std::span<const uint8_t> reply_bytes(ControlType type) {
  static const std::vector<uint8_t> accept = encode_control(ControlType::accept);
  static const std::vector<uint8_t> finish = encode_control(ControlType::finish);
  return type == ControlType::accept ? accept : finish;
}

}  // namespace

std::string_view to_string(StreamFault fault) noexcept { return kFaults[static_cast<size_t>(fault)].name; }
std::string_view describe(StreamFault fault) noexcept { return kFaults[static_cast<size_t>(fault)].clause; }

FrameStreams::Step FrameStreams::fail(StreamFault fault) noexcept {
  fault_ = fault;
  state_ = State::failed;
  data_limit_ = 0;
  return Step::fault;
}

FrameStreams::Step FrameStreams::wait_for(size_t bytes) noexcept {
  need_ = bytes;
  return Step::more;
}

FrameStreams::Step FrameStreams::next_rare(std::span<const uint8_t>& bytes) noexcept {
  if (state_ == State::failed) return Step::fault;
  if (skip_ != 0) {
    const size_t n = std::min<size_t>(skip_, bytes.size());
    bytes = bytes.subspan(n);
    skip_ -= static_cast<uint32_t>(n);
    if (skip_ != 0) return wait_for(1);
    data_limit_ = frame_limit_;
    return next(bytes);
  }
  if (bytes.size() < 4) return wait_for(4);
  const uint32_t len = load_be32(bytes.data());
  if (len != 0) {
    if (state_ == State::first) return fail(StreamFault::not_frame_streams);
    if (state_ != State::running) return fail(StreamFault::data_outside);
    if (len <= frame_limit_) return wait_for(4 + static_cast<size_t>(len));
    if (len > kInsaneLen) return fail(StreamFault::length_insane);
    bytes = bytes.subspan(4);
    skip_ = len;
    data_limit_ = 0;
    return Step::too_long;
  }
  if (bytes.size() < kControlHeaderLen) return wait_for(kControlHeaderLen);
  const uint32_t control_len = load_be32(bytes.data() + 4);
  if (control_len > kControlLenLimit) return fail(StreamFault::control_too_long);
  const size_t whole = kControlHeaderLen + control_len;
  if (bytes.size() < whole) return wait_for(whole);
  const Step step = control(bytes.subspan(kControlHeaderLen, control_len));
  bytes = bytes.subspan(whole);
  return step;
}

FrameStreams::Step FrameStreams::control(std::span<const uint8_t> payload) noexcept {
  const ControlFrame frame = decode_control(payload);
  if (frame.state == ControlFrame::State::bad) return fail(StreamFault::control_bad);
  const bool begun = state_ == State::running || state_ == State::ended;
  if (frame.state == ControlFrame::State::unknown)
    return begun ? Step::odd : fail(StreamFault::control_unexpected);
  switch (frame.type) {
    case ControlType::ready:
      if (!frame.dnstap) return fail(StreamFault::content_type);
      return ready();
    case ControlType::start:
      if (!frame.dnstap) return fail(StreamFault::content_type);
      return start();
    case ControlType::stop:
      if (state_ != State::running) break;
      state_ = State::ended;
      data_limit_ = 0;
      reply_ = bidirectional_ ? reply_bytes(ControlType::finish) : std::span<const uint8_t>();
      return Step::end;
    case ControlType::accept:
    case ControlType::finish:
      break;
  }
  return begun ? Step::odd : fail(StreamFault::control_unexpected);
}

FrameStreams::Step FrameStreams::ready() noexcept {
  // A second READY in the same handshake, or one within the data, has had its answer or needs none.
  if (state_ == State::ready || state_ == State::running) return Step::odd;
  state_ = State::ready;
  bidirectional_ = true;
  reply_ = reply_bytes(ControlType::accept);
  return Step::reply;
}

FrameStreams::Step FrameStreams::start() noexcept {
  state_ = State::running;
  data_limit_ = frame_limit_;
  return Step::start;
}

bool FrameStreams::cut_in_frame(std::span<const uint8_t> rest) const noexcept {
  if (state_ != State::running || skip_ != 0 || rest.empty()) return false;
  return rest.size() < 4 || load_be32(rest.data()) != 0;
}

}  // namespace weir
