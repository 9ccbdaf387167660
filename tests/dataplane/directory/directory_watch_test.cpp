#include "dataplane/directory/directory_watch.h"

#include <gtest/gtest.h>

#include "tests/temp_folder.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

TEST(DirectoryWatch, TellsOfFilesThatAreHandedIn) {
  TempFolder folder;
  TempFolder other;
  DirectoryWatch watch;
  EXPECT_TRUE(watch.take().handed_in.empty()) << "not open";
  ASSERT_TRUE(watch.open(folder.path()));
  folder.write("closed", "x");
  std::filesystem::rename(other.write("there", "x"), folder.path() / "renamed");
  std::filesystem::create_directory(folder.path() / "folder");
  (void)folder.read("closed");
  EXPECT_EQ(watch.take().handed_in, (Names{"closed", "renamed"}));
  const DirectoryWatch::News none = watch.take();
  EXPECT_TRUE(none.handed_in.empty() && !none.gone && !none.missed);
}

TEST(DirectoryWatch, TellsThatTheDirectoryIsGone) {
  TempFolder folder;
  const auto inner = folder.path() / "inner";
  for (const bool rename : {true, false}) {
    std::filesystem::create_directory(inner);
    DirectoryWatch watch;
    ASSERT_TRUE(watch.open(inner));
    if (rename)
      std::filesystem::rename(inner, folder.path() / "outer");
    else
      std::filesystem::remove(inner);
    EXPECT_TRUE(watch.take().gone);
  }
}

TEST(DirectoryWatch, OfNoDirectoryIsAnError) {
  DirectoryWatch watch;
  EXPECT_FALSE(watch.open("/nowhere"));
  EXPECT_EQ(watch.fd(), -1);
}

}  // namespace
}  // namespace weir
