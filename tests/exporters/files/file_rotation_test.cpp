#include "exporters/files/file_rotation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "core/clock.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAtNs = 1'764'145'800 * kNsPerSec;  // 2025-11-26T08:30:00Z

TEST(FileRotation, TheNameSaysWhenInFrontOfTheEnding) {
  EXPECT_EQ(rotated_path("/x/dns.jsonl", kAtNs, 1), "/x/dns-20251126T083000Z.jsonl");
  EXPECT_EQ(rotated_path("/x/dns.jsonl", kAtNs, 2), "/x/dns-20251126T083000Z-2.jsonl");
  EXPECT_EQ(rotated_path("/x.y/dns", kAtNs, 1), "/x.y/dns-20251126T083000Z");
}

TEST(FileRotation, ANameMayHaveTheTimeInIt) {
  EXPECT_EQ(name_at("/x/dns-%Y%m%d-%H.jsonl", kAtNs), "/x/dns-20251126-08.jsonl");
  EXPECT_EQ(name_at("/x/100%%-%F", kAtNs), "/x/100%-2025-11-26");
  EXPECT_EQ(name_at("/x/dns", kAtNs), "/x/dns");
  EXPECT_TRUE(check_file_name("/x/%Y-%m-%dT%H%M%S-%j-%y-%%").ok());
  for (const char* bad : {"/x/dns-%", "/x/%Q", "/%Y/dns", "/x/%n"})
    EXPECT_FALSE(check_file_name(bad).ok()) << bad;
}

TEST(FileRotation, TimesAreThoseOfTheClock) {
  const FileRotation hourly{.bytes = 0, .every_ms = 3'600'000};
  EXPECT_EQ(rotates_at_ns(hourly, kAtNs), kAtNs + 1'800 * kNsPerSec);
  EXPECT_EQ(rotates_at_ns(hourly, kAtNs + 1'800 * kNsPerSec), kAtNs + 5'400 * kNsPerSec);
  EXPECT_EQ(rotates_at_ns({}, kAtNs), std::numeric_limits<uint64_t>::max());
}

TEST(FileRotation, NothingIsOverwritten) {
  const TempFolder folder;
  const fs::path& dir = folder.path();
  const std::string path = dir / "dns.jsonl";
  for (const char* wanted :
       {"dns-20251126T083000Z.jsonl", "dns-20251126T083000Z-2.jsonl", "dns-20251126T083000Z-3.jsonl"}) {
    std::ofstream(path) << wanted;
    const auto to = move_away(path, kAtNs);
    ASSERT_TRUE(to.ok()) << to.error().message;
    EXPECT_EQ(*to, dir / wanted);
  }
  EXPECT_EQ(fs::file_size(dir / "dns-20251126T083000Z.jsonl"), 26U);
  const auto gone = move_away(path, kAtNs);
  ASSERT_FALSE(gone.ok());
  EXPECT_NE(gone.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace weir
