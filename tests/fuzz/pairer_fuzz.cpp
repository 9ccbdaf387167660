// The pairer under hostile streams: every unit ends in an event, a drop or with the caller, and neither the
// seed of the hashes nor a sink that has no room now and then changes any event; and no frame is compared
// with more than a few. Input: the size of the table, then frames (see next()). Aborts where that does not
// hold.
#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "decoder/pairer.h"
#include "tests/fuzz/refusing_sink.h"

namespace {

using namespace weir;

std::string tell(const Event& e) {
  for (const Span span : {e.query.wire, e.response.wire, e.identity, e.version, e.extra, e.query_zone,
                          e.policy_type, e.policy_rule, e.policy_value})
    check(!span.present() || (span.off <= e.bytes_len && span.len <= e.bytes_len - span.off));
  check(e.units == 1 || (e.units == 2 && e.type % 2 == 0));
  return ends_and_times(e) + std::to_string(e.type) + " " + to_string(e.peer) + " ";
}

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(value | 0x80U);
  return out + static_cast<char>(value);
}
std::string number(uint64_t field, uint64_t value) { return varint(field << 3U) + varint(value); }
std::string bytes(uint64_t field, const std::string& value) {
  return varint(field << 3U | 2U) + varint(value.size()) + value;
}

class Frames {
 public:
  explicit Frames(std::span<const uint8_t> input) : left_(input) {}

  // Eight bytes that steer, then as many as they say: of the DNS message behind its id and flags, or all of
  // the payload.
  const Frame* next() {
    if (left_.size() < 8) return nullptr;
    const std::span<const uint8_t> steer = left_.first(8);
    left_ = left_.subspan(8);
    const size_t len = std::min<size_t>(left_.size(), steer[0]);
    const std::string told(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(len));
    left_ = left_.subspan(len);
    const bool back = (steer[1] & 4U) != 0;
    const uint64_t step = uint64_t{steer[4]} * steer[5];
    time_ms_ = back ? time_ms_ - std::min(time_ms_, step) : time_ms_ + step;
    const std::string payload = (steer[1] & 8U) != 0 ? told : dnstap(steer, told);
    memory_.assign((sizeof(Frame) + payload.size() + 7) / 8, 0);
    auto* frame = new (memory_.data()) Frame;
    frame->payload_len = static_cast<uint32_t>(payload.size());
    frame->input = steer[1] >> 4U & 1U;
    frame->live = (steer[1] & 32U) != 0;
    frame->arrival_ns = (time_ms_ + steer[6]) * 1'000'000;
    frame->pair = true;
    frame->src.port = steer[7];
    std::memcpy(frame->payload_start(), payload.data(), payload.size());
    return frame;
  }

 private:
  [[nodiscard]] std::string dnstap(std::span<const uint8_t> steer, const std::string& told) const {
    const bool response = (steer[2] & 1U) == 0;
    std::string message = number(1, 1 + (steer[2] & 7U));
    if ((steer[2] & 8U) != 0) message += bytes(4, {"\xc0\0\2\1", 4}) + number(6, steer[3] & 3U);
    if ((steer[2] & 16U) != 0) message += bytes(5, {"\xc0\0\2\2", 4}) + number(7, steer[3] >> 2U & 3U);
    if ((steer[2] & 32U) != 0) message += number(3, 1 + (steer[3] >> 4U & 1U));
    if ((steer[2] & 64U) != 0) message += number(response ? 12 : 8, time_ms_ / 1'000);
    if ((steer[2] & 128U) != 0) message += number(8, time_ms_ / 1'000 + steer[7]);
    const std::string wire = {0, static_cast<char>(steer[3] >> 5U & 1U),
                              static_cast<char>(response ? 0x81 : 1), 0};
    message += bytes(response ? 14 : 10, wire + told);
    return bytes(1, std::string(steer[6], 'i')) + bytes(14, message) + number(15, 1);
  }

  std::span<const uint8_t> left_;
  uint64_t time_ms_ = 1'000'000;
  std::vector<uint64_t> memory_;
};

void run(std::span<const uint8_t> input, uint64_t seed, RefusingSink& kept) {
  Pairer pairer({.table_entries = input[0] % 64U + 1U}, kept, seed);
  Frames frames(input.subspan(1));
  uint64_t frames_taken = 0;
  uint64_t alone = 0;
  while (const Frame* frame = frames.next()) {
    for (Pairer::Taken taken = Pairer::Taken::later; taken == Pairer::Taken::later;) {
      const uint64_t before = pairer.compared();
      taken = pairer.take(*frame);
      check(pairer.compared() - before <= Pairer::kMaxCompared);
      alone += taken == Pairer::Taken::alone ? 1 : 0;
    }
    ++frames_taken;
    check(frames_taken == alone + kept.units + kept.dropped + pairer.held_units());
  }
  while (!pairer.flush()) {
  }
  check(pairer.held_units() == 0 && frames_taken == alone + kept.units + kept.dropped);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  RefusingSink straight(tell, 0);
  RefusingSink refused(tell, 3);
  run({data, size}, 1, straight);
  run({data, size}, 2, refused);
  check(straight.events == refused.events && straight.dropped == refused.dropped);
  return 0;
}
