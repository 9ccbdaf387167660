#include "dataplane/directory/directory_places.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "tests/temp_folder.h"

namespace weir {
namespace {

struct DirectoryPlacesTest : testing::Test {
  DirectoryPlacesTest() : fd(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY)) {}
  ~DirectoryPlacesTest() override { close(fd); }
  DirectoryPlaces places(const std::string& after, const std::string& failed = "") {
    DirectoryOptions options;
    options.path = folder.path();
    options.after = after;
    options.failed = failed;
    return DirectoryPlaces(options);
  }
  std::string refusal(const std::string& after, const std::string& failed = "") {
    const Status checked = places(after, failed).check(fd);
    return checked ? "" : checked.error().message;
  }

  TempFolder folder;
  int fd;
};

TEST_F(DirectoryPlacesTest, KeepTakesNothingAwayUnlessFailedSaysSo) {
  EXPECT_FALSE(places("keep").takes_away(false));
  EXPECT_FALSE(places("keep").takes_away(true));
  EXPECT_TRUE(places("keep", "bad").takes_away(true));
  EXPECT_TRUE(places("delete").takes_away(false) && places("delete").takes_away(true));
  EXPECT_TRUE(places("move:x").takes_away(false) && places("move:x").takes_away(true));
}

TEST_F(DirectoryPlacesTest, DeletesAndMoves) {
  folder.write("a", "1");
  folder.write("b", "2");
  EXPECT_TRUE(places("delete").take_away(fd, "a"));
  EXPECT_FALSE(folder.has("a"));
  EXPECT_FALSE(places("delete").take_away(fd, "a"));
  EXPECT_TRUE(places("move:done").take_away(fd, "b"));
  folder.write("b", "3");
  EXPECT_TRUE(places("move:" + (folder.path() / "done").string()).take_away(fd, "b"));
  EXPECT_EQ(folder.read("done/b"), "2") << "never over another";
  EXPECT_EQ(folder.read("done/b.1"), "3");
}

TEST_F(DirectoryPlacesTest, OneNameAThousandTimesLosesNone) {
  const DirectoryPlaces done = places("move:done");
  for (int n = 0; n < 1'000; ++n) {
    folder.write("a", std::to_string(n));
    ASSERT_TRUE(done.take_away(fd, "a"));
  }
  std::set<std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "done"))
    contents.insert(folder.read("done/" + entry.path().filename().string()));
  EXPECT_EQ(contents.size(), 1'000U);
}

TEST_F(DirectoryPlacesTest, SetsAsideWithTheReason) {
  const std::string longest(255, 'n');
  for (const std::string& name : {std::string("a"), longest, std::string("new\nline")}) {
    for (const char* reason : {"first", "second"}) {
      folder.write(name, reason);
      const Status aside = places("delete").set_aside(fd, name, reason);
      EXPECT_TRUE(aside.ok()) << aside.error().message;
      EXPECT_FALSE(folder.has(name));
    }
  }
  EXPECT_EQ(folder.read("failed/a.reason"), "first\n");
  EXPECT_EQ(folder.read("failed/a.1.reason"), "second\n");
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "failed"))
    count += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(count, 12U);
}

TEST_F(DirectoryPlacesTest, CheckNamesTheKeyAndTheRemedy) {
  EXPECT_EQ(refusal("move:done"), "");
  EXPECT_TRUE(folder.has("done") && folder.has("failed"));
  EXPECT_EQ(refusal("keep"), "");
  folder.write("file", "");
  EXPECT_NE(refusal("move:file").find("after: '" + (folder.path() / "file").string() + "' is no directory"),
            std::string::npos);
  EXPECT_NE(refusal("move:.").find("is the directory itself"), std::string::npos);
  EXPECT_NE(refusal("delete", "x/y/z").find("failed: cannot make"), std::string::npos);
  EXPECT_NE(refusal("move:/proc").find("is on another file system"), std::string::npos);
}

}  // namespace
}  // namespace weir
