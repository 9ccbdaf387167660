#include "dataplane/directory/open_for_writing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/temp_folder.h"

namespace weir {
namespace {

TEST(OpenForWriting, IsToldByTheKernel) {
  const TempFolder folder;
  const std::string path = folder.write("file", "x");
  const int reader = open(path.c_str(), O_RDONLY);
  if (writers_of(reader) == Writers::unknown) GTEST_SKIP() << "no leases here";
  EXPECT_EQ(writers_of(reader), Writers::none);
  const int writer = open(path.c_str(), O_WRONLY);
  EXPECT_EQ(writers_of(reader), Writers::some);
  close(writer);
  EXPECT_EQ(writers_of(reader), Writers::none);
  const int again = open(path.c_str(), O_WRONLY | O_NONBLOCK);
  EXPECT_GE(again, 0) << "the lease was given back";
  close(again);
  close(reader);
}

TEST(OpenForWriting, WhatIsNoFileIsUnknown) { EXPECT_EQ(writers_of(-1), Writers::unknown); }

}  // namespace
}  // namespace weir
