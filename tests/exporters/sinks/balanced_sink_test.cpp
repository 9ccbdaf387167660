#include "exporters/sinks/balanced_sink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "exporters/record_output.h"
#include "tests/exporters/number_lines.h"
#include "tests/exporters/test_event.h"

namespace weir {
namespace {

// A peer that comes and goes, takes only so much, and acknowledges late. What a connection got is kept.
struct Peer : Sink {
  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& /*now*/) override {
    if (!there) return sent;
    const size_t takes = std::min(records.size() - sent, room);
    room -= takes;
    connection.append(records.substr(sent, takes));
    return sent + takes;
  }
  void leave() {
    if (!there) return;
    there = false;
    broke = true;
    lost = connection.size() - acknowledged;
    connection.resize(acknowledged);
    connections.push_back(std::exchange(connection, {}));
    acknowledged = 0;
  }
  void acknowledge(size_t bytes) { acknowledged += std::min(connection.size() - acknowledged, bytes); }
  [[nodiscard]] size_t unsettled() const override { return broke ? lost : connection.size() - acknowledged; }
  [[nodiscard]] bool take_break() override { return std::exchange(broke, false); }
  [[nodiscard]] bool up() const noexcept override { return there; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never; }

  bool there = true;
  bool broke = false;
  size_t room = SIZE_MAX;
  size_t lost = 0;
  size_t acknowledged = 0;
  std::string connection;
  std::vector<std::string> connections;
  std::string never;
};

struct BalancedSinkTest : testing::Test {
  void open(size_t count) {
    std::vector<BalancedSink::Part> parts;
    for (size_t i = 0; i < count; ++i) {
      auto peer = std::make_unique<Peer>();
      peers.push_back(peer.get());
      parts.push_back({"peer " + std::to_string(i), std::move(peer)});
    }
    output = std::make_unique<RecordOutput>("out", 0, Waiting{.flush_ms = 1, .backlog = 1U << 20U},
                                            std::make_unique<NumberLineFormat>(),
                                            std::make_unique<BalancedSink>(std::move(parts)));
  }
  void take(uint64_t count) {
    TestBatch batch;
    for (uint64_t i = 0; i < count; ++i) {
      TestEvent event;
      event.head.arrival_ns = next++;
      batch.add(event);
    }
    ASSERT_TRUE(output->take(batch.batch(), now));
  }
  void poll() {
    now.mono_ns += 2 * kNsPerMs;
    output->poll(now);
  }
  // Of each connection the whole lines; the first is no part of one.
  std::vector<uint64_t> numbers(const Peer& peer) {
    std::vector<uint64_t> all;
    auto parts = peer.connections;
    parts.push_back(peer.connection.substr(0, peer.acknowledged));
    for (std::string& part : parts) {
      part.resize(part.rfind('\n') == std::string::npos ? 0 : part.rfind('\n') + 1);
      for (uint64_t n : numbers_in(part)) {
        EXPECT_GE(n, 1'000'000U) << "a cut line";
        EXPECT_LT(n, 10'000'000U) << "two lines in one";
        all.push_back(n);
      }
    }
    return all;
  }

  std::vector<Peer*> peers;
  Now now{.mono_ns = 1'000'000'000, .wall_ns = 0};
  std::unique_ptr<RecordOutput> output;
  uint64_t next = 1'000'000;  // seven digits
};

TEST_F(BalancedSinkTest, EachGetsItsPart) {
  open(2);
  for (int i = 0; i < 100; ++i) {
    take(10);
    poll();
    if (i % 10 == 9)
      for (Peer* peer : peers) peer->acknowledge(SIZE_MAX);
  }
  poll();
  for (Peer* peer : peers) peer->acknowledge(SIZE_MAX);
  poll();
  const auto first = numbers(*peers[0]);
  const auto second = numbers(*peers[1]);
  EXPECT_GT(first.size(), 300U);
  EXPECT_GT(second.size(), 300U);
  EXPECT_EQ(first.size() + second.size(), 1'000U);
  EXPECT_EQ(output->counters().written_events.get(), 1'000U);
}

TEST_F(BalancedSinkTest, PeersThatTakeAllAtOnceHaveTurns) {
  open(2);
  for (int i = 0; i < 10; ++i) {
    take(10);
    poll();
    for (Peer* peer : peers) peer->acknowledge(SIZE_MAX);
    poll();
  }
  EXPECT_EQ(numbers(*peers[0]).size(), 50U);
  EXPECT_EQ(numbers(*peers[1]).size(), 50U);
}

TEST_F(BalancedSinkTest, TheOthersGoOnWhenOneIsAwayOrStuck) {
  open(3);
  peers[0]->leave();
  peers[1]->room = 0;
  for (int i = 0; i < 50; ++i) {
    take(10);
    poll();
    peers[2]->acknowledge(SIZE_MAX);
  }
  poll();
  // A block that the stuck one was chosen for and took nothing of goes to another.
  EXPECT_EQ(output->counters().written_events.get(), 0U + numbers(*peers[2]).size());
  EXPECT_TRUE(output->balance().even());
}

TEST_F(BalancedSinkTest, NothingIsLostOrCutWhateverThePeersDo) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    peers.clear();
    next = 1'000'000;
    open(3);
    for (int step = 0; step < 400; ++step) {
      Peer& peer = *peers[random() % peers.size()];
      switch (random() % 6) {
        case 0:
          if (random() % 4 == 0) peer.leave();
          poll();
          break;
        case 1:
          peer.there = true;
          peer.room = random() % 3 == 0 ? SIZE_MAX : random() % 3'000;
          break;
        case 2:
          peer.acknowledge(random() % 2'000);
          break;
        default:
          take(random() % 50);
          poll();
      }
      ASSERT_TRUE(output->balance().even());
    }
    for (int i = 0; i < 200; ++i) {
      for (Peer* peer : peers) {
        peer->there = true;
        peer->room = SIZE_MAX;
        peer->acknowledge(SIZE_MAX);
      }
      poll();
    }
    std::vector<uint64_t> all;
    for (Peer* peer : peers)
      for (uint64_t n : numbers(*peer)) all.push_back(n);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    ASSERT_EQ(output->counters().written_events.get() + output->counters().drops.total(StageKind::output),
              next - 1'000'000);
    ASSERT_GE(all.size(), output->counters().written_events.get());
    ASSERT_EQ(output->counters().backlog_events.get(), 0U);
  }
}

}  // namespace
}  // namespace weir
