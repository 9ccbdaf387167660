// Fragments where time, the table or memory ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "dataplane/reassembly/elapsed_time.h"
#include "dataplane/reassembly/fragments.h"
#include "tests/dataplane/reassembly/fragments_fixture.h"

namespace weir {
namespace {

TEST_F(FragmentsTest, TimesOut) {
  take(two, head);
  now += 5 * kSecond;
  Cut later = head;
  later.id = 2;
  take(two, later);
  now += 5 * kSecond;
  take(two, head);
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 0U);
  now += 1;
  Cut third = head;
  third.id = 3;
  take(two, third);
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 1U);
  EXPECT_FALSE(take(two, tail)) << "its head is gone";
  later = tail;
  later.id = 2;
  EXPECT_TRUE(take(two, later));
  flush();
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 3U);
}

TEST_F(FragmentsTest, TimesOutWhenNothingFollows) {
  const std::string bytes = bytes_of(64);
  take(bytes, {.offset = 0, .len = 8, .id = 1});
  now += 4 * kSecond;
  take(bytes, {.offset = 0, .len = 8, .id = 2});
  fragments.forget_old(6 * kSecond, drops);
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 0U);
  fragments.forget_old(6 * kSecond + 1, drops);
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 1U) << "the older one";
  balance();
  // The packets' time has not moved: the other one is complete in time by it.
  now += 10 * kSecond;
  EXPECT_TRUE(take(bytes, {.offset = 8, .len = 8, .more = false, .id = 2}));
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 1U);
}

TEST_F(FragmentsTest, BearsTimeThatJumps) {
  take(two, head);
  now -= 5 * kSecond;
  ASSERT_TRUE(take(two, tail)) << "disorder";
  Cut other = head;
  other.id = 2;
  now = 5;
  take(two, other);
  now = 5 + 10 * kSecond;
  other = tail;
  other.id = 2;
  ASSERT_TRUE(take(two, other)) << "a clock that was set back";
  other = head;
  other.id = 3;
  take(two, other);
  now = UINT64_MAX;
  take(two, head);
  EXPECT_EQ(dropped(Drop::fragment_incomplete), 1U);
  now = 0;
  EXPECT_TRUE(take(two, tail));
}

TEST_F(FragmentsTest, GivesUpTheOldestOfTooMany) {
  Cut cut = head;
  for (cut.id = 1; cut.id <= 8; ++cut.id) take(two, cut);
  EXPECT_EQ(fragments.held_units(), 8U);
  cut.id = 9;
  take(two, cut);
  EXPECT_EQ(dropped(Drop::fragment_evicted), 1U);
  cut = tail;
  cut.id = 2;
  EXPECT_TRUE(take(two, cut)) << "the second was not the oldest";
  cut.id = 10;
  take(two, cut);
  EXPECT_EQ(dropped(Drop::fragment_evicted), 1U) << "one that is done makes room";
  flush();
}

TEST_F(FragmentsTest, KeepsWhatWaitsLongerThanWhatIsSettled) {
  Cut cut = head;
  cut.id = 100;
  take(two, cut);
  refusal = Drop::packet_other_port;
  for (cut.id = 1; cut.id <= 50; ++cut.id) take(two, cut);
  refusal = {};
  EXPECT_EQ(dropped(Drop::fragment_evicted), 0U);
  cut = tail;
  cut.id = 100;
  EXPECT_TRUE(take(two, cut));
}

class FragmentsMemoryTest : public FragmentsTest {
 protected:
  FragmentsMemoryTest() : FragmentsTest({.datagrams = 1000, .memory = 0, .timeout_ns = 10 * kSecond}) {}
};

TEST_F(FragmentsMemoryTest, GivesUpTheOldestWhereBytesAreTooMany) {
  Cut cut = head;
  for (cut.id = 1; cut.id <= 300; ++cut.id) take(two, cut);
  EXPECT_EQ(fragments.held_units(), 86U) << "three blocks each";
  EXPECT_EQ(dropped(Drop::fragment_evicted), 214U);
  cut = tail;
  cut.id = 300;
  ASSERT_TRUE(take(two, cut));
  EXPECT_EQ(payload, two);
}

TEST_F(FragmentsMemoryTest, HasRoomForOneDatagramOfAnyCuts) {
  // Each leaves most of its last block empty, and older ones stand before and behind it.
  const std::string of = bytes_of(65'535);
  take(two, {.offset = 0, .len = 8, .id = 7});
  take(of, {.offset = 0, .len = 504});
  for (uint32_t id = 100; id < 350; ++id) take(two, {.offset = 0, .len = 8, .id = id});
  size_t at = 504;
  for (size_t i = 0; i < 126; ++i, at += 504) take(of, {.offset = at, .len = 504});
  ASSERT_TRUE(take(of, {.offset = at, .len = 65'535 - at, .more = false}));
  EXPECT_EQ(payload, of);
  EXPECT_EQ(whole.units, 128U);
  EXPECT_GT(dropped(Drop::fragment_evicted), 0U);
}

TEST_F(FragmentsMemoryTest, HoldsUnderAFlood) {
  std::minstd_rand random(1);
  for (int i = 0; i < 20'000; ++i) {
    now += kMs;
    take(two, {.offset = random() % 200 * 8, .len = 8, .id = static_cast<uint32_t>(random() % 5000)});
    ASSERT_LE(fragments.held_units(), 300U);
  }
  flush();
}

TEST_F(FragmentsMemoryTest, SaysItsMemory) {
  EXPECT_GE(Fragments::memory_bytes({}), (8U << 20U) + 65'536U);
  EXPECT_LE(Fragments::memory_bytes({}), 10U << 20U);
  EXPECT_LE(Fragments::memory_bytes({.datagrams = 0, .memory = 0}), 300'000U);
}

// Random cuts, orders, duplicates and ids, of which every datagram must come out once.
TEST_F(FragmentsMemoryTest, JoinsWhateverTheCuts) {
  std::mt19937 random(7);
  for (uint32_t id = 1; id <= 300; ++id) {
    const std::string of = bytes_of(1 + random() % 9000, id);
    std::vector<Cut> cuts;
    for (size_t at = 0; at < of.size();) {
      const size_t len = std::min<size_t>(8 * (1 + random() % 185), of.size() - at);
      cuts.push_back({.offset = at, .len = len, .more = at + len < of.size(), .id = id});
      at += len;
    }
    if (cuts.size() > 100) continue;
    const size_t distinct = cuts.size();
    for (size_t copies = random() % 4; copies > 0; --copies) cuts.push_back(cuts[random() % distinct]);
    std::shuffle(cuts.begin(), cuts.end(), random);
    const int before = datagrams;
    for (const Cut& cut : cuts) {
      now += random() % kMs;
      if (take(of, cut)) {
        EXPECT_EQ(payload, of);
        EXPECT_EQ(whole.units, distinct);
      }
    }
    ASSERT_EQ(datagrams, before + 1);
  }
  EXPECT_EQ(drops.total(StageKind::ingest), dropped(Drop::fragment_duplicate));
  EXPECT_EQ(fragments.held_units(), 0U);
}

TEST(FragmentsTime, DecidesTheSameWithAnySeed) {
  const auto run = [](uint64_t seed) {
    Fragments fragments(
        {.datagrams = 16, .memory = 0, .timeout_ns = kSecond},
        [](const void*, uint8_t, std::span<const uint8_t>) noexcept { return std::optional<Drop>(); },
        nullptr, seed);
    DropCounters drops;
    WholeDatagram whole;
    std::minstd_rand random(3);
    std::vector<uint64_t> seen;
    const std::string of = bytes_of(4000);
    for (uint64_t i = 0; i < 5000; ++i) {
      const Fragment fragment{.src = {},
                              .dst = {},
                              .id = static_cast<uint32_t>(random() % 40),
                              .more = random() % 4 != 0,
                              .offset = static_cast<uint16_t>(random() % 4 * 800),
                              .payload = {reinterpret_cast<const uint8_t*>(of.data()), 800},
                              .wire_len = 800};
      seen.push_back(fragments.take(fragment, i * 10 * kMs, drops, whole));
      seen.push_back(fragments.held_units());
      for (size_t drop = 0; drop < kDropCount; ++drop) seen.push_back(drops.get(static_cast<Drop>(drop)));
    }
    return seen;
  };
  EXPECT_EQ(run(1), run(2));
}

TEST(FragmentsTime, GoesForwardOnly) {
  ElapsedTime time(100);
  const uint64_t start = time.advance(1000);
  EXPECT_EQ(time.advance(1010) - start, 10U);
  EXPECT_EQ(time.advance(950) - start, 10U);
  EXPECT_EQ(time.advance(1010) - start, 10U) << "disorder does not add up";
  EXPECT_EQ(time.advance(909) - start, 10U) << "set back";
  EXPECT_EQ(time.advance(912) - start, 13U);
}

}  // namespace
}  // namespace weir
