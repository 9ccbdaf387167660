#include "dataplane/capture/pcapng_parser.h"

#include <algorithm>
#include <optional>

namespace weir {
namespace {

using Kind = CaptureStep::Kind;

enum BlockType : uint32_t {
  kInterface = 1,
  kOldPacket = 2,
  kSimplePacket = 3,
  kNames = 4,
  kStatistics = 5,
  kEnhancedPacket = 6,
  kSectionHeader = 0x0a0d0d0a,
};

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr size_t kSmallestBlock = 12;
constexpr size_t kSectionHeaderLen = 28;
constexpr size_t kMaxInterfaces = 65'536;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

constexpr uint64_t power_of_ten(unsigned exponent) noexcept {
  uint64_t value = 1;
  while (exponent-- > 0) value *= 10;
  return value;
}

// The byte order of a section, from its header's magic at offset 8.
std::optional<ByteOrder> section_order(const uint8_t* block) noexcept {
  for (const bool swapped : {false, true})
    if (ByteOrder(swapped).u32(block + 8) == kByteOrderMagic) return ByteOrder(swapped);
  return std::nullopt;
}

bool is_packet(uint32_t type) noexcept {
  return type == kEnhancedPacket || type == kSimplePacket || type == kOldPacket;
}

bool sound_length(uint32_t len) noexcept { return len >= kSmallestBlock && len % 4 == 0; }

}  // namespace

bool PcapngParser::is_magic(std::span<const uint8_t> first) noexcept {
  return first.size() >= 4 && ByteOrder().u32(first.data()) == kSectionHeader;
}

uint64_t PcapngParser::Interface::to_ns(uint64_t ticks) const noexcept {
  uint64_t ns = 0;
  if (binary) {
    ns = static_cast<uint64_t>(static_cast<unsigned __int128>(ticks) * kNsPerSecond >> exponent);
  } else if (exponent <= 9) {
    ns = ticks * power_of_ten(9 - exponent);
  } else if (exponent <= 28) {
    ns = ticks / power_of_ten(exponent - 9);
  }
  return ns + static_cast<uint64_t>(offset_seconds) * kNsPerSecond;
}

CaptureStep PcapngParser::damage() noexcept {
  searching_ = true;
  return {.kind = Kind::damaged, .bytes = 4};
}

CaptureStep PcapngParser::refuse(const char* why) {
  refusal_ = why;
  return {.kind = Kind::refused};
}

CaptureStep PcapngParser::skip_on(std::span<const uint8_t> window, bool at_end) noexcept {
  const size_t now = std::min<uint64_t>(window.size(), skip_left_);
  if (now == 0 && at_end) {
    skip_left_ = 0;
    return {.kind = Kind::cut};
  }
  if (now == 0) return {.kind = Kind::need, .bytes = 1};
  skip_left_ -= now;
  return {.kind = Kind::skipped, .bytes = now};
}

CaptureStep PcapngParser::next(std::span<const uint8_t> window, bool at_end) noexcept {
  if (skip_left_ != 0) return skip_on(window, at_end);
  if (searching_) return search(window, at_end);
  if (window.empty() && at_end && started_) return {.kind = Kind::end};
  const size_t head = started_ ? kSmallestBlock : kSectionHeaderLen;
  if (window.size() < head) {
    if (!at_end) return {.kind = Kind::need, .bytes = head};
    if (!started_) return refuse("ends inside its section header: it was cut, or is still being written");
    return {.kind = Kind::cut, .bytes = window.size()};
  }
  const uint8_t* block = window.data();
  const uint32_t type = order_.u32(block);
  ByteOrder order = order_;
  if (type == kSectionHeader) {
    const auto section = section_order(block);
    if (!section && !started_)
      return refuse("is damaged: the byte-order magic of its section header is none");
    if (!section) return damage();
    order = *section;
  }
  const uint32_t len = order.u32(block + 4);
  if (!started_ && (!sound_length(len) || len > kMaxBlock || len < kSectionHeaderLen))
    return refuse("is damaged: its section header has an impossible length");
  if (!sound_length(len)) return damage();
  if (len > kMaxBlock) {
    // Only what is no packet may be so long: it is skipped without being kept.
    if (is_packet(type) || type == kInterface || type == kSectionHeader) return damage();
    skip_left_ = len;
    return {.kind = Kind::skipped};
  }
  if (window.size() < len) {
    if (!at_end) return {.kind = Kind::need, .bytes = len};
    // A length that lies, or a file that was cut? A sound block further on tells.
    size_t at = 4;
    if (find_block(window, window.size(), at)) return damage();
    return {.kind = Kind::cut, .bytes = window.size()};
  }
  if (order.u32(block + len - 4) != len) {
    if (!started_) return refuse("is damaged: the two lengths of its section header differ");
    return damage();
  }
  order_ = order;
  started_ = true;
  return read_block(block, len);
}

CaptureStep PcapngParser::read_block(const uint8_t* block, uint32_t len) {
  CaptureStep step{.kind = Kind::skipped, .bytes = len};
  switch (order_.u32(block)) {
    case kSectionHeader:
      interfaces_.clear();
      break;
    case kInterface:
      if (!read_interface(block, len)) step.kind = Kind::damaged;
      break;
    case kEnhancedPacket:
      return read_packet(block, len, len < kSmallestBlock + 4 ? 0 : order_.u32(block + 8));
    case kOldPacket:
      return read_packet(block, len, len < kSmallestBlock + 4 ? 0 : order_.u16(block + 8));
    case kSimplePacket:
      return read_simple_packet(block, len);
    default:
      break;
  }
  return step;
}

CaptureStep PcapngParser::read_packet(const uint8_t* block, uint32_t len, uint32_t interface) {
  constexpr uint32_t kHead = 28;
  CaptureStep step{.kind = Kind::damaged, .bytes = len};
  if (len < kHead + 4 || interface >= interfaces_.size()) return step;
  const uint32_t captured = order_.u32(block + 20);
  if (captured > len - kHead - 4 || captured > kMaxPacket) return step;
  const Interface& from = interfaces_[interface];
  const uint64_t ticks = uint64_t{order_.u32(block + 12)} << 32U | order_.u32(block + 16);
  last_time_ns_ = from.to_ns(ticks);
  step.kind = Kind::packet;
  step.time_ns = last_time_ns_;
  step.packet = {.bytes = {block + kHead, captured},
                 .wire_len = std::max(order_.u32(block + 24), captured),
                 .link = from.link};
  return step;
}

// Has neither time nor interface: the first interface's, and the time of the packet before it.
CaptureStep PcapngParser::read_simple_packet(const uint8_t* block, uint32_t len) {
  constexpr uint32_t kHead = 12;
  CaptureStep step{.kind = Kind::damaged, .bytes = len};
  if (len < kHead + 4 || interfaces_.empty()) return step;
  const uint32_t wire = order_.u32(block + 8);
  const uint32_t snaplen = interfaces_[0].snaplen;
  const uint32_t captured = snaplen == 0 ? wire : std::min(wire, snaplen);
  if (captured > len - kHead - 4 || captured > kMaxPacket) return step;
  step.kind = Kind::packet;
  step.time_ns = last_time_ns_;
  step.packet = {.bytes = {block + kHead, captured}, .wire_len = wire, .link = interfaces_[0].link};
  return step;
}

bool PcapngParser::read_interface(const uint8_t* block, uint32_t len) {
  constexpr uint32_t kHead = 16;
  if (len < kHead + 4 || interfaces_.size() >= kMaxInterfaces) return false;
  Interface interface;
  interface.link = static_cast<LinkType>(order_.u16(block + 8));
  interface.snaplen = order_.u32(block + 12);
  constexpr uint16_t kResolution = 9;
  constexpr uint16_t kOffset = 14;
  const uint32_t end = len - 4;
  for (uint32_t at = kHead; at + 4 <= end;) {
    const uint16_t code = order_.u16(block + at);
    const uint16_t size = order_.u16(block + at + 2);
    at += 4;
    if (code == 0 || size > end - at) break;
    if (code == kResolution && size == 1) {
      interface.binary = (block[at] & 0x80U) != 0;
      interface.exponent = block[at] & 0x7fU;
    }
    if (code == kOffset && size == 8) interface.offset_seconds = static_cast<int64_t>(order_.u64(block + at));
    at += (size + 3U) & ~3U;
  }
  interfaces_.push_back(interface);
  return true;
}

// A block of a type that Weir knows with both its lengths in the window.
bool PcapngParser::block_begins(std::span<const uint8_t> window) const noexcept {
  if (window.size() < kSmallestBlock) return false;
  const uint32_t type = order_.u32(window.data());
  ByteOrder order = order_;
  if (type == kSectionHeader) {
    const auto section = section_order(window.data());
    if (!section) return false;
    order = *section;
  } else if (type != kInterface && !is_packet(type) && type != kNames && type != kStatistics) {
    return false;
  }
  const uint32_t len = order.u32(window.data() + 4);
  return sound_length(len) && len <= kMaxBlock && len <= window.size() &&
         order.u32(window.data() + len - 4) == len;
}

bool PcapngParser::find_block(std::span<const uint8_t> window, size_t stop, size_t& at) const noexcept {
  for (; at < stop; ++at)
    if (block_begins(window.subspan(at))) return true;
  return false;
}

CaptureStep PcapngParser::search(std::span<const uint8_t> window, bool at_end) noexcept {
  if (!at_end && window.size() < kMaxWindow) return {.kind = Kind::need, .bytes = kMaxWindow};
  size_t at = 0;
  const bool found = find_block(window, at_end ? window.size() : kMaxWindow / 2, at);
  searching_ = !found && !at_end;
  return {.kind = Kind::skipped, .bytes = at};
}

}  // namespace weir
