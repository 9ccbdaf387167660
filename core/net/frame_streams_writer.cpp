#include "core/net/frame_streams_writer.h"

#include <algorithm>
#include <vector>

namespace weir {
namespace {

uint32_t load_be32(const uint8_t* p) noexcept {
  return static_cast<uint32_t>(p[0]) << 24U | static_cast<uint32_t>(p[1]) << 16U |
         static_cast<uint32_t>(p[2]) << 8U | p[3];
}

std::string_view text_of(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string_view FrameStreamsWriter::opening() {
  static const std::vector<uint8_t> bytes = encode_control(ControlType::ready);
  return text_of(bytes);
}

std::string_view FrameStreamsWriter::start() {
  static const std::vector<uint8_t> bytes = encode_control(ControlType::start);
  return text_of(bytes);
}

std::string_view FrameStreamsWriter::stop() {
  static const std::vector<uint8_t> bytes = encode_control(ControlType::stop);
  return text_of(bytes);
}

FrameStreamsWriter::State FrameStreamsWriter::take(std::span<const uint8_t> bytes) {
  while (!bytes.empty() && state_ != State::failed) {
    const size_t need =
        have_ < kControlHeaderLen ? kControlHeaderLen : kControlHeaderLen + load_be32(bytes_.data() + 4);
    const size_t n = std::min(need - have_, bytes.size());
    std::copy_n(bytes.begin(), n, bytes_.begin() + static_cast<std::ptrdiff_t>(have_));
    have_ += n;
    bytes = bytes.subspan(n);
    if (have_ < need) break;
    const uint32_t len = load_be32(bytes_.data() + 4);
    if (load_be32(bytes_.data()) != 0 || len < 4 || len > kControlLenLimit) {
      fail("it does not answer in Frame Streams");
    } else if (have_ == kControlHeaderLen + len) {
      have_ = 0;
      take_control({bytes_.data() + kControlHeaderLen, len});
    }
  }
  return state_;
}

void FrameStreamsWriter::take_control(std::span<const uint8_t> payload) {
  const ControlFrame frame = decode_control(payload);
  if (frame.state == ControlFrame::State::bad) return fail("a control frame of it contradicts itself");
  if (frame.state == ControlFrame::State::unknown) return;
  switch (frame.type) {
    case ControlType::accept:
      if (state_ != State::ready) return;
      if (!frame.dnstap) return fail("it does not accept protobuf:dnstap.Dnstap");
      state_ = State::running;
      return;
    case ControlType::finish:
      if (state_ == State::stopping) state_ = State::finished;
      return;
    case ControlType::ready:
      // Two writers would wait for each other's ACCEPT for ever.
      return fail("it is a sender of dnstap itself, for it said READY");
    case ControlType::start:
    case ControlType::stop:
      return fail("it is a sender of dnstap itself, for it said START or STOP");
  }
}

}  // namespace weir
