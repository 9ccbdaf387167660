#include "dataplane/directory/pending_files.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

FoundFile found(const std::string& name, uint64_t mtime_ns, bool handed_in = false) {
  return {.name = name, .id = {1, 1, mtime_ns}, .handed_in = handed_in};
}

TEST(PendingFiles, GivesTheOldestFirstThenByName) {
  PendingFiles files;
  for (const auto& [name, mtime] : {std::pair{"c", 5}, {"a", 9}, {"b", 5}, {"z", 1}})
    files.put(found(name, static_cast<uint64_t>(mtime)));
  EXPECT_EQ(files.oldest_mtime_ns(), 1U);
  std::string order;
  while (!files.empty()) order += files.take_oldest().name;
  EXPECT_EQ(order, "zbca");
}

TEST(PendingFiles, KnowsANameOnce) {
  PendingFiles files;
  files.put(found("a", 5, true));
  files.put(found("a", 7));
  EXPECT_EQ(files.size(), 1U);
  const FoundFile file = files.take_oldest();
  EXPECT_EQ(file.id.mtime_ns, 7U);
  EXPECT_TRUE(file.handed_in);
}

TEST(PendingFiles, LeavesOutTheNewestWhereThereAreTooMany) {
  PendingFiles files;
  for (size_t n = 0; n < PendingFiles::kMost; ++n) files.put(found("n" + std::to_string(n), 1'000'000 - n));
  EXPECT_FALSE(files.left_out());
  files.put(found("old", 1));
  EXPECT_TRUE(files.left_out());
  EXPECT_EQ(files.size(), PendingFiles::kMost);
  EXPECT_EQ(files.take_oldest().name, "old");
  files.begin_look();
  files.put(found("n0", 2));
  EXPECT_FALSE(files.left_out());
  EXPECT_EQ(files.take_oldest().name, "n0");
}

}  // namespace
}  // namespace weir
