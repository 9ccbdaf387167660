#include "dataplane/directory/directory_state.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/temp_folder.h"

namespace weir {
namespace {

StateEntry entry(uint64_t inode, const std::string& reason = "") {
  return {.id = {inode, 10, 20}, .name = "n" + std::to_string(inode), .reason = reason};
}

struct DirectoryStateTest : testing::Test {
  DirectoryStateTest() { open(state); }
  void open(DirectoryState& which) {
    const Status opened = which.open(path);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
  }
  size_t lines() {
    const std::string text = folder.read("state");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  }

  TempFolder folder;
  std::string path = folder.path() / "state";
  DirectoryState state;
};

TEST_F(DirectoryStateTest, RemembersAcrossOpens) {
  ASSERT_TRUE(state.add({entry(1), entry(2, "damaged")}));
  ASSERT_TRUE(state.add({entry(3)}));
  DirectoryState next;
  open(next);
  EXPECT_EQ(next.size(), 3U);
  ASSERT_NE(next.find(entry(2).id), nullptr);
  EXPECT_EQ(next.find(entry(2).id)->reason, "damaged");
  EXPECT_EQ(next.find({1, 11, 20}), nullptr) << "another size is another file";
  EXPECT_EQ(next.damaged_lines(), 0U);
}

TEST_F(DirectoryStateTest, ALineThatWasCutIsNotKnown) {
  ASSERT_TRUE(state.add({entry(1), entry(2)}));
  const std::string text = folder.read("state");
  folder.write("state", text.substr(0, text.size() - 3));
  DirectoryState next;
  open(next);
  EXPECT_EQ(next.size(), 1U);
  EXPECT_EQ(next.damaged_lines(), 0U);
  ASSERT_TRUE(next.add({entry(3)}));
  DirectoryState last;
  open(last);
  EXPECT_EQ(last.size(), 2U);
}

TEST_F(DirectoryStateTest, DamagedLinesAreCountedAndTheFileIsKept) {
  ASSERT_TRUE(state.add({entry(1), entry(2), entry(3)}));
  std::string text = folder.read("state");
  text[text.find("n2")] = 'm';
  folder.write("state", text);
  DirectoryState next;
  open(next);
  EXPECT_EQ(next.damaged_lines(), 1U);
  EXPECT_EQ(next.size(), 2U);
  EXPECT_EQ(folder.read("state.damaged"), text);
  EXPECT_EQ(lines(), 2U);
}

TEST_F(DirectoryStateTest, AFileThatIsNoStateFileIsRefusedAndLeftAlone) {
  folder.write("other", "dns,dns,dns\n");
  DirectoryState other;
  const Status opened = other.open(folder.path() / "other");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("is no state file"), std::string::npos);
  EXPECT_EQ(folder.read("other"), "dns,dns,dns\n");
  EXPECT_FALSE(other.open(folder.path()));
  EXPECT_FALSE(other.open(folder.path() / "missing/state"));
}

TEST_F(DirectoryStateTest, IsWrittenAnewWithoutWhatIsGone) {
  for (uint64_t n = 0; n < 400; ++n) ASSERT_TRUE(state.add({entry(n)}));
  ASSERT_TRUE(state.tidy());
  EXPECT_EQ(lines(), 400U);
  state.retain([](const FileId& id) { return id.inode % 100 == 0; });
  state.forget({entry(0).id});
  ASSERT_TRUE(state.tidy());
  EXPECT_EQ(lines(), 3U);
  ASSERT_TRUE(state.add({entry(1'000)}));
  DirectoryState next;
  open(next);
  EXPECT_EQ(next.size(), 4U);
}

TEST_F(DirectoryStateTest, WhatIsForgottenIsNewWhenItComesBack) {
  ASSERT_TRUE(state.add({entry(1), entry(2, "damaged"), entry(3)}));
  state.forget({entry(2).id, entry(7).id});
  state.retain([](const FileId& id) { return id.inode != 3; });
  DirectoryState next;
  open(next);
  EXPECT_EQ(next.size(), 1U);
  EXPECT_EQ(next.find(entry(2).id), nullptr);
  EXPECT_EQ(next.damaged_lines(), 0U);
  ASSERT_TRUE(next.add({entry(2)}));
  DirectoryState last;
  open(last);
  EXPECT_EQ(last.size(), 2U);
}

TEST_F(DirectoryStateTest, WhatWasRemovedIsWrittenAgain) {
  ASSERT_TRUE(state.add({entry(1)}));
  std::filesystem::remove(path);
  ASSERT_TRUE(state.tidy());
  EXPECT_EQ(lines(), 1U);
}

}  // namespace
}  // namespace weir
