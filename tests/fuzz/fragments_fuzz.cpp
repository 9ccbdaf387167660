// Fragments in any order, with any contradictions, against a reference that looks at each byte of a datagram;
// and with a small table, little memory and time that jumps, where the balance has to hold. Input: fragments
// of 7 bytes: key, flags, offset, length (two bytes), captured part, time.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "core/addr.h"
#include "dataplane/reassembly/fragments.h"
#include "tests/fuzz/check.h"

namespace {

using weir::Drop;
using weir::DropCounters;
using weir::Fragment;
using weir::Fragments;
using weir::WholeDatagram;

// Code that goes byte by byte, and whose branches say nothing about the code under test.
#define NOT_TRACED __attribute__((no_sanitize("coverage")))

constexpr size_t kStep = 7;
constexpr uint64_t kSecond = 1'000'000'000;

using weir::check;

std::optional<Drop> wanted(const void* /*context*/, uint8_t protocol,
                           std::span<const uint8_t> head) noexcept {
  if (head.size() > 1 && head[1] % 16 == 15) return Drop::packet_other_port;
  return protocol == 1 ? std::optional<Drop>(Drop::packet_not_udp) : std::nullopt;
}

// One datagram by the rules in fragments.h, while time stands still and there is room for all.
class Reference {
 public:
  // nullopt: it waits, or completed the datagram.
  NOT_TRACED std::optional<Drop> take(const Fragment& f, uint64_t& drops) {
    const uint64_t begin = f.offset;
    const uint64_t end = begin + f.wire_len;
    if (f.wire_len == 0 || end > 65'535 || (f.more && f.wire_len % 8 != 0)) {
      return count(Drop::fragment_bad, drops);
    }
    if (given_up_) return count(*given_up_, drops);
    if (done_) {
      if (f.more ? end < end_ : end == end_) return count(Drop::fragment_duplicate, drops);
      *this = {};
    }
    bool overlap = end_ != 0 && (f.more ? end >= end_ : end != end_);
    overlap |= !f.more && more_end_ >= end;
    if (bytes_.size() < end) bytes_.resize(end, kMissing);
    size_t there = 0;
    bool differ = false;
    for (size_t i = 0; i < f.wire_len; ++i) {
      const int16_t byte = bytes_[begin + i];
      there += byte != kMissing;
      differ |= i < f.payload.size() && byte >= 0 && byte != f.payload[i];
    }
    if (!overlap && there == f.wire_len && !differ) return count(Drop::fragment_duplicate, drops);
    if (overlap || there != 0) return give_up(Drop::fragment_overlap, drops);
    if (units_ == 128) return give_up(Drop::fragment_bad, drops);
    if (begin == 0) {
      protocol_ = f.protocol;
      if (const auto reason = wanted(nullptr, f.protocol, f.payload)) return give_up(*reason, drops);
    }
    ++units_;
    (f.more ? more_end_ : end_) = std::max(f.more ? more_end_ : end_, end);
    for (size_t i = 0; i < f.wire_len; ++i) {
      bytes_[begin + i] = i < f.payload.size() ? f.payload[i] : kNotCaptured;
    }
    covered_ += f.wire_len;
    done_ = covered_ == end_;
    return std::nullopt;
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] uint64_t waiting() const { return done_ || given_up_ ? 0 : units_; }
  void check_whole(const WholeDatagram& whole) const {
    check(whole.wire_len == end_ && whole.units == units_ && whole.protocol == protocol_);
    const auto cut = std::find(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(end_), kNotCaptured);
    check(whole.payload.size() == static_cast<size_t>(cut - bytes_.begin()));
    check(std::equal(whole.payload.begin(), whole.payload.end(), bytes_.begin()));
  }

 private:
  static Drop count(Drop drop, uint64_t& drops) {
    ++drops;
    return drop;
  }
  Drop give_up(Drop drop, uint64_t& drops) {
    drops += units_;
    given_up_ = drop;
    return count(drop, drops);
  }

  static constexpr int16_t kMissing = -2;
  static constexpr int16_t kNotCaptured = -1;

  std::vector<int16_t> bytes_;
  uint64_t covered_ = 0;
  uint64_t end_ = 0;
  uint64_t more_end_ = 0;
  uint32_t units_ = 0;
  uint8_t protocol_ = 0;
  bool done_ = false;
  std::optional<Drop> given_up_;
};

struct Parsed {
  Fragment fragment;
  unsigned key;
  uint64_t step_ns;
  bool back;
};

// The bytes in their exact size on the heap, so that a read past them is seen.
NOT_TRACED Parsed parse(const uint8_t* p, std::unique_ptr<uint8_t[]>& bytes) {
  Parsed parsed;
  parsed.key = p[0] % 4;
  Fragment& f = parsed.fragment;
  constexpr uint8_t k6[16] = {0x20, 1, 0xd, 0xb8};
  f.src = f.dst = parsed.key % 2 == 0 ? weir::IpAddr::v4(k6) : weir::IpAddr::v6(k6);
  f.id = parsed.key / 2;
  const bool ipv6 = parsed.key % 2 != 0;
  f.protocol = ipv6 && (p[1] & 8U) != 0 ? 1 : 17;
  f.more = (p[1] & 1U) != 0;
  f.offset = static_cast<uint16_t>(p[2] * ((p[1] & 2U) != 0 ? 256U : 8U));
  f.wire_len = (p[1] & 0xc0U) == 0xc0U ? p[3] + p[4] * 256U : p[3] * 8U;
  const size_t captured = (p[1] & 0x20U) != 0 ? f.wire_len * p[5] / 256U : f.wire_len;
  bytes = std::make_unique<uint8_t[]>(captured);
  for (size_t i = 0; i < captured; ++i) bytes[i] = static_cast<uint8_t>((f.offset + i) * 37 + parsed.key);
  if ((p[1] & 4U) != 0 && captured != 0) bytes[p[5] % captured] ^= p[6];
  f.payload = {bytes.get(), captured};
  parsed.step_ns = uint64_t{1} << (p[6] % 64U);
  parsed.back = p[6] >= 192;
  return parsed;
}

void same_as_reference(std::span<const uint8_t> input) {
  static Fragments fragments({}, wanted, nullptr, 1);
  DropCounters drops;
  uint64_t expected = 0;
  std::map<unsigned, Reference> references;
  for (; input.size() >= kStep; input = input.subspan(kStep)) {
    std::unique_ptr<uint8_t[]> bytes;
    const Parsed parsed = parse(input.data(), bytes);
    Reference& reference = references[parsed.key];
    WholeDatagram whole;
    const bool completed = fragments.take(parsed.fragment, 0, drops, whole);
    const std::optional<Drop> drop = reference.take(parsed.fragment, expected);
    check(completed == (!drop && reference.done()));
    check(drops.total(weir::StageKind::ingest) == expected);
    if (drop) check(drops.get(*drop) != 0);
    if (completed) reference.check_whole(whole);
    uint64_t waiting = 0;
    for (const auto& known : references) waiting += known.second.waiting();
    check(fragments.held_units() == waiting);
  }
  fragments.flush(drops);
  check(fragments.held_units() == 0);
}

void keeps_its_balance(std::span<const uint8_t> input) {
  static Fragments fragments({.datagrams = 2, .memory = 0, .timeout_ns = kSecond}, wanted, nullptr, 1);
  DropCounters drops;
  uint64_t taken = 0;
  uint64_t in_datagrams = 0;
  uint64_t time_ns = 1000 * kSecond;
  const auto balance = [&] {
    check(taken == in_datagrams + drops.total(weir::StageKind::ingest) + fragments.held_units());
    check(fragments.held_units() <= size_t{2} * 128);
  };
  for (; input.size() >= kStep; input = input.subspan(kStep)) {
    std::unique_ptr<uint8_t[]> bytes;
    const Parsed parsed = parse(input.data(), bytes);
    time_ns = parsed.back ? time_ns - parsed.step_ns : time_ns + parsed.step_ns;
    WholeDatagram whole;
    ++taken;
    if (fragments.take(parsed.fragment, time_ns, drops, whole)) {
      in_datagrams += whole.units;
      check(whole.payload.size() <= whole.wire_len && whole.wire_len <= 65'535);
      check(whole.units >= 1 && whole.units <= 128);
    }
    balance();
  }
  fragments.flush(drops);
  balance();
  check(fragments.held_units() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  same_as_reference(input);
  keeps_its_balance(input);
  return 0;
}
