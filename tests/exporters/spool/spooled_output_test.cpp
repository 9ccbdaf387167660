// RecordOutput with a spool behind its backlog.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "exporters/record_output.h"
#include "exporters/spool/spool_directory.h"
#include "tests/exporters/number_lines.h"
#include "tests/exporters/test_event.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

// A peer that is there or not, takes only so much, and acknowledges late.
struct Peer : Sink {
  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& /*now*/) override {
    if (!there) return sent;
    const size_t takes = std::min(records.size() - sent, room);
    room -= takes;
    pending.append(records.substr(sent, takes));
    return sent + takes;
  }
  void acknowledge(size_t bytes) {
    bytes = std::min(bytes, pending.size());
    got.append(pending, 0, bytes);
    pending.erase(0, bytes);
  }
  void leave() {
    broke = broke || there;
    lost = pending.size();
    got_parts.push_back(std::exchange(got, {}));
    pending.clear();
    there = false;
  }
  [[nodiscard]] size_t unsettled() const override { return broke ? lost : pending.size(); }
  [[nodiscard]] bool take_break() override { return std::exchange(broke, false); }
  [[nodiscard]] bool up() const noexcept override { return there; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never; }
  // Whole lines of each connection, in order.
  std::vector<uint64_t> numbers() {
    std::vector<uint64_t> all;
    auto parts = got_parts;
    parts.push_back(got);
    for (std::string& part : parts) {
      part.resize(part.rfind('\n') == std::string::npos ? 0 : part.rfind('\n') + 1);
      const auto in_order = numbers_in(part);
      EXPECT_TRUE(std::is_sorted(in_order.begin(), in_order.end()));
      all.insert(all.end(), in_order.begin(), in_order.end());
    }
    return all;
  }

  bool there = true;
  size_t room = SIZE_MAX;
  std::string pending;
  std::string got;
  std::vector<std::string> got_parts;
  size_t lost = 0;
  bool broke = false;
  std::string never;
};

struct SpooledOutput : testing::Test {
  void open(uint64_t backlog = 4'000) {
    auto owned = std::make_unique<Peer>();
    peer = owned.get();
    options.path = folder.path() / "spool";
    auto spools = open_spools("out", options, 1);
    ASSERT_TRUE(spools) << spools.error().message;
    Waiting waiting{.flush_ms = 10, .backlog = backlog, .when_full = WhenFull::spool};
    output = std::make_unique<RecordOutput>("out", 0, waiting, std::make_unique<NumberLineFormat>(),
                                            std::move(owned), std::move(spools->front()));
  }
  void take(uint64_t count, uint32_t units = 1) {
    TestBatch batch;
    for (uint64_t i = 0; i < count; ++i) {
      TestEvent event;
      event.head.arrival_ns = next++;
      event.head.units = units;
      batch.add(event);
    }
    ASSERT_TRUE(output->take(batch.batch(), now));
  }
  void poll(int times = 1) {
    for (int i = 0; i < times; ++i) {
      now.mono_ns += 20 * kNsPerMs;
      now.wall_ns += 20 * kNsPerMs;
      output->poll(now);
    }
  }
  void expect_even() {
    EXPECT_TRUE(output->balance().even());
    EXPECT_TRUE(output->spool_balance()->even());
  }

  TempFolder folder;
  SpoolOptions options{.path = {}, .size = 8U << 20U, .max_age_ms = 0, .sync_ms = 0};
  Now now{.mono_ns = 1'000'000'000, .wall_ns = 1'700'000'000'000'000'000};
  Peer* peer = nullptr;
  std::unique_ptr<RecordOutput> output;
  uint64_t next = 1'000'000;  // seven digits
};

TEST_F(SpooledOutput, UsesNoDiskWhileThePeerTakesAll) {
  open();
  for (int i = 0; i < 50; ++i) {
    take(100);
    poll();
    peer->acknowledge(SIZE_MAX);
  }
  poll();
  EXPECT_EQ(output->counters().spooled_events.get(), 0U);
  EXPECT_EQ(peer->numbers(), range(1'000'000, next));
  expect_even();
}

TEST_F(SpooledOutput, KeepsAnOutageAndSendsItInOrder) {
  open();
  take(100);
  poll();
  peer->acknowledge(SIZE_MAX);
  peer->leave();
  for (int i = 0; i < 100; ++i) {
    take(100);
    poll();
  }
  EXPECT_GT(output->counters().spooled_events.get(), 9'000U);
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
  expect_even();
  peer->there = true;
  for (int i = 0; i < 200; ++i) {
    if (i < 50) take(10);
    poll();
    peer->acknowledge(SIZE_MAX);
  }
  EXPECT_EQ(peer->numbers(), range(1'000'000, next));
  EXPECT_EQ(output->spool_balance()->in_flight, 0U);
  expect_even();
}

TEST_F(SpooledOutput, ADownPeersLinesAreOnDiskBeforeTheBacklogIsFull) {
  open(1U << 20U);
  peer->leave();
  take(10);
  poll(100);
  EXPECT_EQ(output->counters().spooled_events.get(), 10U);
  EXPECT_EQ(output->counters().backlog_events.get(), 0U);
}

TEST_F(SpooledOutput, APeerThatTakesAndNeverAcknowledgesLosesNothing) {
  open();
  peer->room = 20'000;  // more than the backlog
  for (int i = 0; i < 100; ++i) {
    take(100);
    poll();
  }
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
  expect_even();
  peer->leave();
  poll();
  peer->room = SIZE_MAX;
  peer->there = true;
  for (int i = 0; i < 100; ++i) {
    poll();
    peer->acknowledge(SIZE_MAX);
  }
  EXPECT_EQ(peer->numbers(), range(1'000'000, next));
  expect_even();
}

TEST_F(SpooledOutput, TheEndKeepsAllOnDiskAndTheNextRunSendsItInOrder) {
  open();
  take(2'000);
  poll(3);
  peer->acknowledge(7'000);
  poll();
  peer->leave();
  take(3'000);
  poll(3);
  take(5);
  output->abandon();
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
  EXPECT_EQ(output->balance().in_flight, 0U);
  expect_even();
  auto before = peer->numbers();
  output.reset();
  open();
  for (int i = 0; i < 100; ++i) {
    poll();
    peer->acknowledge(SIZE_MAX);
  }
  auto after = peer->numbers();
  EXPECT_TRUE(std::is_sorted(after.begin(), after.end()));
  before.insert(before.end(), after.begin(), after.end());
  before.erase(std::unique(before.begin(), before.end()), before.end());
  EXPECT_EQ(before, range(1'000'000, next));
  expect_even();
}

// Whatever the peer and the process do: all is there at the end, each connection's lines are in order.
TEST_F(SpooledOutput, NothingIsLostWhateverHappens) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    std::filesystem::remove_all(folder.path() / "spool");
    next = 1'000'000;
    output.reset();
    open();
    std::vector<uint64_t> all;
    const auto restart = [&] {
      output->abandon();
      EXPECT_EQ(output->balance().in_flight, 0U);
      expect_even();
      EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
      peer->leave();
      for (uint64_t n : peer->numbers()) all.push_back(n);
      output.reset();
      open();
    };
    for (int step = 0; step < 300; ++step) {
      switch (random() % 8) {
        case 0:
          peer->leave();
          poll();  // a break is noticed before there is another connection
          break;
        case 1:
          peer->there = true;
          peer->room = random() % 3 == 0 ? SIZE_MAX : random() % 20'000;
          break;
        case 2:
          peer->acknowledge(random() % 10'000);
          break;
        case 3:
          if (random() % 8 == 0) restart();
          break;
        case 4:
          poll(60);
          break;
        default:
          take(random() % 300, static_cast<uint32_t>(1 + random() % 3));
          poll();
      }
      expect_even();
    }
    restart();
    for (int i = 0; i < 300; ++i) {
      poll();
      peer->acknowledge(SIZE_MAX);
    }
    peer->leave();
    for (uint64_t n : peer->numbers()) all.push_back(n);
    EXPECT_EQ(output->spool_balance()->in_flight, 0U);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    const std::vector<uint64_t> wanted = range(1'000'000, next);
    std::vector<uint64_t> missing;
    std::set_difference(wanted.begin(), wanted.end(), all.begin(), all.end(), std::back_inserter(missing));
    ASSERT_TRUE(missing.empty()) << missing.size() << " from " << missing.front() << " to " << missing.back();
    ASSERT_EQ(all.size(), wanted.size());
  }
}

TEST(DropOldest, KeepsTheNewest) {
  auto owned = std::make_unique<Peer>();
  Peer* peer = owned.get();
  peer->there = false;
  RecordOutput output("out", 0, {.flush_ms = 10, .backlog = 4'000, .when_full = WhenFull::drop_oldest},
                      std::make_unique<NumberLineFormat>(), std::move(owned));
  Now now{.mono_ns = 1'000'000'000, .wall_ns = 0};
  uint64_t next = 1'000'000;
  for (int i = 0; i < 100; ++i) {
    TestBatch batch;
    for (int e = 0; e < 100; ++e) {
      TestEvent event;
      event.head.arrival_ns = next++;
      batch.add(event);
    }
    ASSERT_TRUE(output.take(batch.batch(), now));
    now.mono_ns += 20 * kNsPerMs;
    output.poll(now);
  }
  EXPECT_TRUE(output.balance().even());
  EXPECT_GT(output.counters().drops.get(Drop::backlog_full), 9'000U);
  peer->there = true;
  for (int i = 0; i < 10; ++i) {
    now.mono_ns += 20 * kNsPerMs;
    output.poll(now);
    peer->acknowledge(SIZE_MAX);
  }
  const auto got = peer->numbers();
  EXPECT_GE(got.size(), 300U);
  EXPECT_EQ(got, range(next - got.size(), next));
  EXPECT_TRUE(output.balance().even());
}

}  // namespace
}  // namespace weir
