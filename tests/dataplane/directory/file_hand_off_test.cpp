#include "dataplane/directory/file_hand_off.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir {
namespace {

TEST(FileHandOff, TakesAsManyAsItHasSlots) {
  FileHandOff files;
  uint64_t offered = 0;
  for (; files.has_room(); ++offered) files.offer({.name = std::to_string(offered), .id = {}});
  EXPECT_EQ(offered, FileHandOff::kSlots);
  EXPECT_EQ(files.waiting(), offered);
  HandedFile file;
  EXPECT_EQ(files.collect(file), 0U);
  ASSERT_NE(files.next(), nullptr);
  files.next()->fault = "bad";
  files.done_reading();
  EXPECT_FALSE(files.has_room()) << "not before it is collected";
  EXPECT_EQ(files.collect(file), 1U);
  EXPECT_EQ(file.name + file.fault, "0bad");
  EXPECT_TRUE(files.has_room());
}

TEST(FileHandOff, EachFileComesBackOnceInOrderAcrossThreads) {
  constexpr uint64_t kFiles = 20'000;
  FileHandOff files;
  std::thread lcore([&] {
    while (files.read() < kFiles) {
      HandedFile* file = files.next();
      if (file == nullptr) {
        std::this_thread::yield();
        continue;
      }
      file->fault = file->name + "!";
      files.done_reading();
    }
  });
  uint64_t offered = 0;
  uint64_t collected = 0;
  HandedFile file;
  while (collected < kFiles) {
    while (offered < kFiles && files.has_room()) files.offer({.name = std::to_string(offered++), .id = {}});
    while (const uint64_t number = files.collect(file)) {
      ASSERT_EQ(number, ++collected);
      ASSERT_EQ(file.fault, std::to_string(collected - 1) + "!");
    }
    std::this_thread::yield();
  }
  lcore.join();
}

}  // namespace
}  // namespace weir
