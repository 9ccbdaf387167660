#include "dataplane/mirror/hardware_clock.h"

#include <gtest/gtest.h>

#include "core/clock.h"

namespace weir {
namespace {

constexpr uint64_t kNow = 1'700'000'000 * kNsPerSec;

TEST(HardwareClock, TellsNoTimeBeforeItsPaceIsKnown) {
  HardwareClock clock;
  EXPECT_EQ(clock.wall_ns(12345, kNow), kNow);
  clock.set(1000, kNow);
  EXPECT_EQ(clock.wall_ns(1000, kNow + 7), kNow + 7);
}

TEST(HardwareClock, FollowsTheLastSecond) {
  HardwareClock clock;
  const uint64_t ticks_a_second = 156'250'000;  // 6.4 ns each
  clock.set(50, kNow);
  clock.set(50 + ticks_a_second, kNow + kNsPerSec);
  const uint64_t second = kNow + kNsPerSec;
  EXPECT_EQ(clock.wall_ns(50 + ticks_a_second, second), second);
  EXPECT_EQ(clock.wall_ns(50 + ticks_a_second + 10'000, second), second + 64'000);
  // Packets of a burst may be older than the last look at the clock.
  EXPECT_EQ(clock.wall_ns(50 + ticks_a_second - 10'000, second), second - 64'000);
  // A clock that goes another way from here on.
  clock.set(50 + 2 * ticks_a_second, kNow + 2 * kNsPerSec + 1000);
  EXPECT_NEAR(static_cast<double>(clock.wall_ns(50 + 2 * ticks_a_second, second + kNsPerSec) - kNow),
              2e9 + 1000, 1);
}

TEST(HardwareClock, TakesNoTimeThatCannotBe) {
  HardwareClock clock;
  clock.set(1000, kNow);
  clock.set(2000, kNow + 1000);
  EXPECT_EQ(clock.wall_ns(1, kNow + 60 * kNsPerSec), kNow + 60 * kNsPerSec) << "of no packet of this burst";
  // Set back: its pace is not known until it was looked at again.
  clock.set(10, kNow + 2000);
  EXPECT_EQ(clock.wall_ns(15, kNow + 2005), kNow + 2005);
  clock.set(1010, kNow + 3000);
  EXPECT_EQ(clock.wall_ns(1015, kNow + 3010), kNow + 3005);
}

TEST(HardwareClock, TakesStampsInAUnit) {
  HardwareClock clock;
  clock.set_unit(1000);
  EXPECT_EQ(clock.wall_ns(1'460'416'880'391'540, kNow), 1'460'416'880'391'540'000U);
}

}  // namespace
}  // namespace weir
