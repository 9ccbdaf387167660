#include "core/drop.h"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

TEST(Drop, NamesAreUniqueAndHelped) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kDropCount; ++i) {
    const DropInfo& info = drop_info(static_cast<Drop>(i));
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
  }
}

TEST(Drop, TotalIsPerStage) {
  DropCounters drops;
  drops.add(Drop::ring_full, 2);
  drops.add(Drop::dnstap_malformed, 3);
  drops.set(Drop::nic_missed, 5);
  EXPECT_EQ(drops.total(StageKind::ingest), 7U);
  EXPECT_EQ(drops.total(StageKind::decode), 3U);
  EXPECT_EQ(drops.total(StageKind::output), 0U);
}

}  // namespace
}  // namespace weir
