// Fragments under test, of datagrams whose bytes the test knows. After every step it asserts that what was
// taken is in a datagram, in a reason, or held.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>

#include "core/addr.h"
#include "core/drop.h"
#include "dataplane/reassembly/fragments.h"

namespace weir {

inline constexpr uint64_t kMs = 1'000'000;
inline constexpr uint64_t kSecond = 1'000 * kMs;
inline constexpr uint8_t kUdp = 17;

inline std::string bytes_of(size_t len, unsigned seed = 1) {
  std::minstd_rand random(seed);
  std::string bytes(len, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// A datagram's fragment: which bytes of `of` it has.
struct Cut {
  size_t offset = 0;
  size_t len = 0;
  bool more = true;
  uint32_t id = 1;
  size_t captured = SIZE_MAX;
  uint8_t protocol = kUdp;
};

class FragmentsTest : public ::testing::Test {
 protected:
  explicit FragmentsTest(const FragmentOptions& options = {.datagrams = 8,
                                                           .memory = 0,
                                                           .timeout_ns = 10 * kSecond})
      : fragments(options, &FragmentsTest::is_wanted, this, 42) {}

  bool take(const Fragment& fragment) {
    // The bytes in their exact size on the heap, so that ASan sees a read past them.
    const auto copy = std::make_unique<uint8_t[]>(fragment.payload.size());
    if (!fragment.payload.empty()) std::memcpy(copy.get(), fragment.payload.data(), fragment.payload.size());
    Fragment exact = fragment;
    exact.payload = {copy.get(), fragment.payload.size()};
    const bool completed = fragments.take(exact, now, drops, whole);
    ++taken;
    if (completed) {
      in_datagrams += whole.units;
      ++datagrams;
      payload.assign(whole.payload.begin(), whole.payload.end());
    }
    balance();
    return completed;
  }
  bool take(const std::string& of, const Cut& cut) {
    const auto* data = reinterpret_cast<const uint8_t*>(of.data());
    return take({.src = src,
                 .dst = dst,
                 .id = cut.id,
                 .protocol = cut.protocol,
                 .more = cut.more,
                 .offset = static_cast<uint16_t>(cut.offset),
                 .payload = {data + cut.offset, std::min(cut.len, cut.captured)},
                 .wire_len = static_cast<uint32_t>(cut.len)});
  }
  void flush() {
    fragments.flush(drops);
    balance();
    EXPECT_EQ(fragments.held_units(), 0U);
  }
  void balance() const {
    ASSERT_EQ(taken, in_datagrams + drops.total(StageKind::ingest) + fragments.held_units());
  }
  [[nodiscard]] uint64_t dropped(Drop drop) const { return drops.get(drop); }

  static std::optional<Drop> is_wanted(const void* context, uint8_t protocol,
                                       std::span<const uint8_t> head) noexcept {
    const auto& test = *static_cast<const FragmentsTest*>(context);
    ++test.asked;
    test.asked_protocol = protocol;
    test.asked_head = head.size();
    return test.refusal;
  }

  IpAddr src = parse_addr("192.0.2.1").value();
  IpAddr dst = parse_addr("198.51.100.53").value();
  uint64_t now = 1'700'000'000 * kSecond;
  std::optional<Drop> refusal;
  mutable int asked = 0;
  mutable uint8_t asked_protocol = 0;
  mutable size_t asked_head = 0;

  Fragments fragments;
  DropCounters drops;
  WholeDatagram whole;
  std::string payload;
  uint64_t taken = 0;
  uint64_t in_datagrams = 0;
  int datagrams = 0;

  const std::string two = bytes_of(2000);
  const Cut head{.offset = 0, .len = 1480};
  const Cut tail{.offset = 1480, .len = 520, .more = false};
};

}  // namespace weir
