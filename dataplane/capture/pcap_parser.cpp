#include "dataplane/capture/pcap_parser.h"

#include <algorithm>

namespace weir {
namespace {

constexpr uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kNanoseconds = 0xa1b23c4d;
constexpr uint32_t kKuznetzov = 0xa1b2cd34;
constexpr size_t kFileHeader = 24;
constexpr uint32_t kDay = 86'400;

bool is_known(uint32_t magic) noexcept {
  return magic == kMicroseconds || magic == kNanoseconds || magic == kKuznetzov;
}

using Kind = CaptureStep::Kind;

}  // namespace

bool PcapParser::is_magic(std::span<const uint8_t> first) noexcept {
  if (first.size() < 4) return false;
  return is_known(ByteOrder(false).u32(first.data())) || is_known(ByteOrder(true).u32(first.data()));
}

CaptureStep PcapParser::read_file_header(std::span<const uint8_t> window, bool at_end) noexcept {
  if (window.size() < kFileHeader) {
    if (at_end) return {.kind = Kind::refused};
    return {.kind = Kind::need, .bytes = kFileHeader};
  }
  order_ = ByteOrder(!is_known(ByteOrder(false).u32(window.data())));
  const uint32_t magic = order_.u32(window.data());
  nanoseconds_ = magic == kNanoseconds;
  head_len_ = magic == kKuznetzov ? 24 : 16;
  snaplen_ = order_.u32(window.data() + 16);
  link_ = static_cast<LinkType>(order_.u32(window.data() + 20) & 0xffffU);  // above: length of the FCS
  started_ = true;
  return {.kind = Kind::skipped, .bytes = kFileHeader};
}

PcapParser::Head PcapParser::head_at(const uint8_t* record) const noexcept {
  return {order_.u32(record), order_.u32(record + 4), order_.u32(record + 8), order_.u32(record + 12)};
}

// Nothing that a sound writer writes, though some programs do: the record counts if another follows it.
bool PcapParser::odd(const Head& head) const noexcept {
  return head.captured > head.wire || (snaplen_ != 0 && head.captured > snaplen_) ||
         (head.captured == 0 && head.seconds == 0);
}

// A head as one expects it behind a damaged one.
bool PcapParser::may_follow(const Head& head) const noexcept {
  if (odd(head) || head.captured == 0 || head.captured > kMaxPacket) return false;
  const uint32_t apart = std::max(head.seconds, last_seconds_) - std::min(head.seconds, last_seconds_);
  return !any_ || apart <= kDay;
}

// The same, when it is not known where records begin.
bool PcapParser::may_begin(const Head& head) const noexcept {
  return head.fraction < (nanoseconds_ ? 1'000'000'000 : 1'000'000) && may_follow(head);
}

PcapParser::Look PcapParser::record_follows(std::span<const uint8_t> window, size_t at,
                                            bool at_end) const noexcept {
  if (window.size() >= at + head_len_) return may_follow(head_at(window.data() + at)) ? Look::yes : Look::no;
  if (!at_end) return Look::need;
  return window.size() == at ? Look::yes : Look::no;
}

CaptureStep PcapParser::packet(const Head& head, const uint8_t* record) noexcept {
  last_seconds_ = head.seconds;
  any_ = true;
  return {.kind = Kind::packet,
          .bytes = size_t{head_len_} + head.captured,
          .time_ns = head.seconds * 1'000'000'000ULL + uint64_t{head.fraction} * (nanoseconds_ ? 1U : 1000U),
          .packet = {.bytes = {record + head_len_, head.captured},
                     .wire_len = std::max(head.wire, head.captured),
                     .link = link_}};
}

CaptureStep PcapParser::next(std::span<const uint8_t> window, bool at_end) noexcept {
  if (!started_) return read_file_header(window, at_end);
  if (searching_) return search(window, at_end);
  if (window.empty() && at_end) return {.kind = Kind::end};
  const Kind too_short = at_end ? Kind::cut : Kind::need;
  if (window.size() < head_len_) return {.kind = too_short, .bytes = at_end ? window.size() : head_len_};
  const Head head = head_at(window.data());
  const size_t end = size_t{head_len_} + head.captured;
  bool sound = head.captured <= kMaxPacket;
  if (sound && odd(head)) {
    const Look look = record_follows(window, end, at_end);
    if (look == Look::need) return {.kind = Kind::need, .bytes = end + head_len_};
    sound = look == Look::yes;
  }
  if (!sound) {
    searching_ = true;
    return {.kind = Kind::damaged, .bytes = 1};
  }
  if (window.size() < end) return {.kind = too_short, .bytes = at_end ? window.size() : end};
  return packet(head, window.data());
}

CaptureStep PcapParser::search(std::span<const uint8_t> window, bool at_end) noexcept {
  if (!at_end && window.size() < kMaxWindow) return {.kind = Kind::need, .bytes = kMaxWindow};
  // Where a record starts whose end and whose follower's head are in the window.
  const size_t stop = at_end ? window.size() : kMaxWindow / 2;
  for (size_t at = 0; at + head_len_ <= stop; ++at) {
    const Head head = head_at(window.data() + at);
    if (!may_begin(head) || record_follows(window, at + head_len_ + head.captured, at_end) != Look::yes)
      continue;
    searching_ = false;
    return {.kind = Kind::skipped, .bytes = at};
  }
  searching_ = !at_end;
  return {.kind = Kind::skipped, .bytes = at_end ? window.size() : stop - head_len_ + 1};
}

std::string PcapParser::refusal() const {
  return "ends inside its file header: it was cut, or is still being written";
}

}  // namespace weir
