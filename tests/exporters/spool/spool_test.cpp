#include "exporters/spool/spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "exporters/spool/spool_directory.h"
#include "tests/exporters/number_lines.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

struct SpoolTest : testing::Test {
  void open() {
    spool.reset();
    auto opened = Spool::open(folder.path() / "s", options);
    ASSERT_TRUE(opened) << opened.error().message;
    spool = std::move(*opened);
  }
  bool put(const RecordBlock& block) {
    const RecordBlock* one = &block;
    return spool->put({&one, 1}, now);
  }
  bool put(uint64_t from, uint64_t to, uint32_t units = 1) {
    RecordBlock block(256U << 10U, 1U << 10U);
    add_numbers(block, from, to, units);
    now.wall_ns += kNsPerMs;
    return put(block);
  }
  // Everything that can be fetched, and done.
  std::vector<uint64_t> take_all() {
    std::vector<uint64_t> all;
    RecordBlock block(1U << 10U, 1U << 10U);
    while (spool->fetch(block, now)) {
      for (uint64_t n : numbers_in(block.bytes())) all.push_back(n);
      spool->done(block.rest());
      block.clear();
    }
    return all;
  }
  std::vector<fs::path> segments() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder.path() / "s"))
      if (entry.path().extension() == ".spool") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
  void expect_even() {
    const Balance balance = spool->balance();
    EXPECT_TRUE(balance.even()) << balance.in << " in, " << balance.out << " out, " << balance.drops
                                << " dropped, " << balance.in_flight << " in the spool";
  }
  uint64_t dropped(Drop reason) { return spool->counters().drops.get(reason); }

  TempFolder folder;
  SpoolOptions options{.path = {}, .size = 1U << 20U, .max_age_ms = 0, .sync_ms = 0};
  Now now{.mono_ns = 1'000'000'000, .wall_ns = 1'700'000'000'000'000'000};
  std::unique_ptr<Spool> spool;
};

TEST_F(SpoolTest, GivesBackInOrderAndLeavesNothing) {
  open();
  EXPECT_FALSE(spool->has_more());
  ASSERT_TRUE(put(0, 1000, 2));
  ASSERT_TRUE(put(1000, 1500, 2));
  EXPECT_TRUE(spool->has_more());
  EXPECT_EQ(spool->counters().depth_units.get(), 3000U);
  EXPECT_EQ(take_all(), range(0, 1500));
  EXPECT_FALSE(spool->has_more());
  EXPECT_EQ(spool->counters().done_units.get(), 3000U);
  EXPECT_EQ(spool->counters().bytes.get(), 0U);
  EXPECT_TRUE(segments().empty());
  expect_even();
}

TEST_F(SpoolTest, OnlyWhatABlockHasNotWrittenGoesIn) {
  open();
  RecordBlock block(1U << 10U, 1U << 10U);
  add_numbers(block, 0, 10);
  (void)block.drop_to(6);  // three lines of two bytes
  ASSERT_TRUE(put(block));
  EXPECT_EQ(take_all(), range(3, 10));
}

TEST_F(SpoolTest, AnotherProcessGoesOn) {
  open();
  ASSERT_TRUE(put(0, 300));
  ASSERT_TRUE(put(300, 600));
  ASSERT_TRUE(put(600, 900));
  RecordBlock block(1U << 10U, 1U << 10U);
  ASSERT_TRUE(spool->fetch(block, now));  // a part of the first chunk, which is not done
  open();
  EXPECT_EQ(spool->counters().found_units.get(), 900U);
  EXPECT_EQ(spool->counters().depth_units.get(), 900U);
  ASSERT_TRUE(put(900, 1000));
  EXPECT_EQ(take_all(), range(0, 1000));
  expect_even();
}

TEST_F(SpoolTest, WhatIsDoneIsNotSentAgainByAnotherProcess) {
  open();
  ASSERT_TRUE(put(0, 100));
  ASSERT_TRUE(put(100, 200));
  RecordBlock block(1U << 10U, 1U << 10U);
  ASSERT_TRUE(spool->fetch(block, now));
  ASSERT_EQ(numbers_in(block.bytes()), range(0, 100));
  spool->done(block.rest());
  open();
  EXPECT_EQ(take_all(), range(100, 200));
}

TEST_F(SpoolTest, ACutEndCostsOnlyWhatWasCut) {
  open();
  ASSERT_TRUE(put(0, 100));
  const uint64_t first = spool->counters().bytes.get();
  ASSERT_TRUE(put(100, 200));
  const uint64_t both = spool->counters().bytes.get();
  spool.reset();
  const fs::path segment = segments().at(0);
  for (uint64_t cut = first; cut < both; cut += 7) {
    fs::resize_file(segment, cut);
    fs::copy_file(segment, folder.path() / "kept", fs::copy_options::overwrite_existing);
    open();
    EXPECT_EQ(take_all(), range(0, 100)) << cut;
    expect_even();
    spool.reset();
    fs::remove(folder.path() / "s" / "sent");
    fs::copy_file(folder.path() / "kept", segment);
    fs::resize_file(segment, both);  // zeros, as a power cut may leave them
    open();
    EXPECT_EQ(take_all(), range(0, 100)) << cut;
    expect_even();
    spool.reset();
    fs::remove(folder.path() / "s" / "sent");
    fs::copy_file(folder.path() / "kept", segment);
  }
}

TEST_F(SpoolTest, DamageIsCountedAndNeverGivenBack) {
  open();
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(put(n * 100, n * 100 + 100));
  spool.reset();
  const fs::path segment = segments().at(0);
  const auto size = fs::file_size(segment);
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    fs::copy_file(segment, folder.path() / "whole", fs::copy_options::overwrite_existing);
    open();
    {
      // While it is open: found, and damaged before it is read.
      std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(random() % size));
      const auto at = file.tellg();
      const auto was = static_cast<char>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(was ^ static_cast<char>(1 + random() % 255)));
    }
    const std::vector<uint64_t> got = take_all();
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
    EXPECT_GE(got.size(), 900U);
    EXPECT_EQ(got.size() + dropped(Drop::spool_damaged), 1000U);
    for (uint64_t n : got) EXPECT_LT(n, 1000U);
    expect_even();
    spool.reset();
    fs::remove(folder.path() / "s" / "sent");
    fs::copy_file(folder.path() / "whole", segment, fs::copy_options::overwrite_existing);
  }
}

TEST_F(SpoolTest, TheOldestGoWhenItIsFull) {
  options.size = 1U << 20U;
  open();
  uint64_t n = 0;
  for (; n < 400; ++n) ASSERT_TRUE(put(n * 1000, n * 1000 + 1000));
  EXPECT_LE(spool->counters().bytes.get(), options.size);
  EXPECT_GT(dropped(Drop::spool_full), 0U);
  expect_even();
  const std::vector<uint64_t> got = take_all();
  EXPECT_EQ(got, range(400'000 - got.size(), 400'000));
  EXPECT_EQ(got.size() + dropped(Drop::spool_full), 400'000U);
  expect_even();
}

TEST_F(SpoolTest, WhatIsOnItsWayIsNotGivenUp) {
  options.size = 1U << 20U;
  open();
  ASSERT_TRUE(put(0, 1000));
  RecordBlock block(256U << 10U, 1U << 10U);
  ASSERT_TRUE(spool->fetch(block, now));
  for (uint64_t n = 1; n < 400; ++n) ASSERT_TRUE(put(n * 1000, n * 1000 + 1000));
  spool->done(block.rest());
  EXPECT_EQ(spool->counters().done_units.get(), 1000U);
  expect_even();
}

TEST_F(SpoolTest, TheTooOldGo) {
  options.max_age_ms = 1'000;
  open();
  ASSERT_TRUE(put(0, 100));
  now.wall_ns += 2 * kNsPerSec;
  ASSERT_TRUE(put(100, 200));
  EXPECT_EQ(take_all(), range(100, 200));
  EXPECT_EQ(dropped(Drop::spool_too_old), 100U);
  ASSERT_TRUE(put(200, 300));
  now.wall_ns += 2 * kNsPerSec;
  now.mono_ns += 2 * kNsPerSec;
  spool->poll(now);
  EXPECT_FALSE(spool->has_more());
  EXPECT_EQ(dropped(Drop::spool_too_old), 200U);
  expect_even();
}

TEST_F(SpoolTest, FrontIsBeforeAllElse) {
  open();
  ASSERT_TRUE(put(100, 200));
  RecordBlock first(1U << 10U, 1U << 10U);
  RecordBlock second(1U << 10U, 1U << 10U);
  add_numbers(first, 0, 50);
  add_numbers(second, 50, 100);
  ASSERT_TRUE(spool->put_front({{&first, false}, {&second, false}}, now));
  expect_even();
  open();
  EXPECT_EQ(take_all(), range(0, 200));
}

TEST_F(SpoolTest, SeveralBlocksGoInTogetherOrNotAtAll) {
  options.size = 1U << 20U;
  open();
  RecordBlock small(1U << 10U, 1U << 10U);
  add_numbers(small, 0, 100);
  RecordBlock large(2U << 20U, 1U << 10U);
  while (!large.full() && large.add(std::string(4'000, 'x') + "\n", 1, 0)) {
  }
  const RecordBlock* blocks[] = {&small, &large};
  EXPECT_FALSE(spool->put(blocks, now));
  EXPECT_FALSE(spool->has_more());
  EXPECT_TRUE(segments().empty());
  EXPECT_TRUE(spool->put({blocks, 1}, now));
  EXPECT_EQ(take_all(), range(0, 100));
}

TEST_F(SpoolTest, DroppedRecordsAreDoneWith) {
  open();
  ASSERT_TRUE(put(0, 10, 3));
  RecordBlock block(1U << 10U, 1U << 10U);
  ASSERT_TRUE(spool->fetch(block, now));
  spool->done(block.drop_to(4));
  spool->drop(block.drop_to(6), Drop::spool_refused);
  spool->done(block.drop_to(block.size()));
  EXPECT_EQ(dropped(Drop::spool_refused), 3U);
  EXPECT_EQ(spool->counters().done_units.get(), 27U);
  EXPECT_TRUE(segments().empty());
  expect_even();
}

TEST_F(SpoolTest, FilesThatAreNoneOfItsOwnStay) {
  fs::create_directories(folder.path() / "s" / "00000000000000000001.spool");
  folder.write("s/note.txt", "x");
  folder.write("s/x.spool", "x");
  open();
  ASSERT_TRUE(put(0, 10));
  EXPECT_EQ(take_all(), range(0, 10));
  EXPECT_TRUE(folder.has("s/note.txt"));
  EXPECT_TRUE(folder.has("s/x.spool"));
}

struct SpoolDirectory : testing::Test {
  TempFolder folder;
  SpoolOptions options{.path = folder.path() / "d", .size = 1U << 20U, .max_age_ms = 0, .sync_ms = 1};
};

TEST_F(SpoolDirectory, OneOwnerAtATime) {
  const auto first = open_spools("out", options, 2);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = open_spools("out", options, 2);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("out: spool: '"), std::string::npos);
  EXPECT_NE(second.error().message.find("is in use by another output or process"), std::string::npos);
}

TEST_F(SpoolDirectory, FewerLcoresTakeOverWhatMoreLeft) {
  const Now now{.mono_ns = 1, .wall_ns = 5};
  {
    auto spools = open_spools("out", options, 4);
    ASSERT_TRUE(spools);
    for (uint64_t lane = 0; lane < 4; ++lane) {
      RecordBlock block(1U << 10U, 1U << 10U);
      add_numbers(block, lane * 100, lane * 100 + 100);
      const RecordBlock* one = &block;
      ASSERT_TRUE((*spools)[lane]->put({&one, 1}, now));  // all at the same time
    }
  }
  auto spools = open_spools("out", options, 1);
  ASSERT_TRUE(spools) << spools.error().message;
  std::vector<uint64_t> all;
  RecordBlock block(1U << 10U, 1U << 10U);
  while ((*spools)[0]->fetch(block, now)) {
    for (uint64_t n : numbers_in(block.bytes())) all.push_back(n);
    (*spools)[0]->done(block.rest());
    block.clear();
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, range(0, 400));
  EXPECT_FALSE(folder.has("d/lane-3"));
}

TEST_F(SpoolDirectory, SaysWhyItCannotBeMade) {
  options.path = folder.path() / "a" / "b";
  const auto spools = open_spools("out", options, 1);
  ASSERT_FALSE(spools.ok());
  EXPECT_NE(spools.error().message.find("make the directory above it"), std::string::npos);
}

}  // namespace
}  // namespace weir
