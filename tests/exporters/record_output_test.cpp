#include "exporters/record_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "exporters/formats/line_format.h"
#include "tests/exporters/test_event.h"

namespace weir {
namespace {

// The number of the event as a line of ten bytes.
class NumberFormat : public LineFormat {
 public:
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    std::fill(out, out + 9, '.');
    std::to_chars(out, out + 9, event.arrival_ns);
    out[9] = '\n';
    return out + 10;
  }
};

// The sequence number as a line.
class SequenceFormat : public LineFormat {
 public:
  char* write(const Event& /*event*/, uint64_t seq, char* out) noexcept override {
    char* end = std::to_chars(out, out + 20, seq).ptr;
    *end = '\n';
    return end + 1;
  }
};

// Takes as many bytes as the script says, call by call; all when it says nothing.
struct ScriptedSink : Sink {
  [[nodiscard]] size_t write(std::string_view lines, size_t sent, const Now&) override {
    ++calls;
    if (rewind) {
      sent = lines.rfind('\n', sent - 1) + 1;
      rewind = false;
    }
    size_t takes = lines.size() - sent;
    if (!script.empty()) {
      takes = std::min(takes, script.front());
      script.pop_front();
    }
    taken.append(lines.substr(sent, takes));
    return sent + takes;
  }
  [[nodiscard]] size_t unsettled() const override { return under_way; }
  [[nodiscard]] bool take_break() override { return std::exchange(broke, false); }
  void abandon(std::string_view, size_t sent) override { abandoned_at = sent; }
  [[nodiscard]] const std::string& ended() const noexcept override { return ended_text; }

  std::deque<size_t> script;
  std::string taken;
  std::string ended_text;
  bool rewind = false;
  size_t under_way = 0;
  bool broke = false;
  size_t abandoned_at = 0;
  int calls = 0;
};

struct RecordOutputTest : testing::Test {
  void open(Waiting options) {
    auto owned = std::make_unique<ScriptedSink>();
    sink = owned.get();
    output = std::make_unique<RecordOutput>("lines", 0, options, std::make_unique<NumberFormat>(),
                                            std::move(owned));
  }
  static TestBatch events(uint64_t from, uint64_t to, uint16_t units = 1) {
    TestBatch batch;
    for (uint64_t n = from; n < to; ++n) {
      TestEvent event;
      event.head.arrival_ns = n;
      event.head.units = units;
      batch.add(event);
    }
    return batch;
  }
  bool take(const TestBatch& batch) { return output->take(batch.batch(), now); }
  void expect_even() {
    const OutputCounters& c = output->counters();
    EXPECT_TRUE(output->balance().even())
        << c.in_units.get() << " in, " << c.written_units.get() << " written, "
        << c.drops.total(StageKind::output) << " dropped, " << c.backlog_units.get() << " waiting";
  }
  uint64_t dropped(Drop reason) { return output->counters().drops.get(reason); }

  Now now{.mono_ns = 1'000'000'000, .wall_ns = 0};
  ScriptedSink* sink = nullptr;
  std::unique_ptr<RecordOutput> output;
};

TEST_F(RecordOutputTest, WaitsForABlockAndIsFlushedAfterFlushMs) {
  open({.flush_ms = 100});
  ASSERT_TRUE(take(events(0, 3, 2)));
  output->poll(now);
  EXPECT_EQ(sink->calls, 0);
  EXPECT_EQ(output->counters().backlog_bytes.get(), 30U);
  EXPECT_EQ(output->counters().backlog_units.get(), 6U);
  now.mono_ns += 100 * kNsPerMs;
  EXPECT_TRUE(output->poll(now));
  EXPECT_EQ(sink->taken, "0........\n1........\n2........\n");
  EXPECT_EQ(output->counters().written_events.get(), 3U);
  EXPECT_EQ(output->counters().written_units.get(), 6U);
  EXPECT_EQ(output->counters().written_bytes.get(), 30U);
  EXPECT_EQ(output->counters().backlog_bytes.get(), 0U);
  expect_even();
}

TEST_F(RecordOutputTest, SaysWhenAllBeforeAPlaceIsOut) {
  open({.flush_ms = 100, .backlog = 30, .when_full = WhenFull::drop_newest});
  ASSERT_TRUE(take(events(0, 3)));
  const uint64_t place = output->place();
  EXPECT_FALSE(output->is_out(place));
  ASSERT_TRUE(take(events(3, 9)));
  EXPECT_EQ(dropped(Drop::backlog_full), 6U);
  EXPECT_FALSE(output->is_out(place)) << "what was dropped came after it";
  sink->script = {20};
  now.mono_ns += 100 * kNsPerMs;
  output->poll(now);
  EXPECT_FALSE(output->is_out(place));
  output->poll(now);
  EXPECT_TRUE(output->is_out(place));
  EXPECT_TRUE(output->is_out(output->place()));
}

TEST_F(RecordOutputTest, WhatIsGivenUpAtItsEndIsNotOut) {
  open({.flush_ms = 100});
  ASSERT_TRUE(take(events(0, 3)));
  const uint64_t place = output->place();
  sink->ended_text = "nobody reads";
  now.mono_ns += 100 * kNsPerMs;
  output->poll(now);
  EXPECT_EQ(dropped(Drop::write_failed), 3U);
  EXPECT_FALSE(output->is_out(place));
}

TEST_F(RecordOutputTest, CallsTheSinkOnceABlock) {
  open({.flush_ms = 1'000, .backlog = 64U << 10U});  // blocks of 16 KiB
  ASSERT_TRUE(take(events(0, 5'000)));
  EXPECT_EQ(sink->calls, 3);
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->calls, 4);
  EXPECT_EQ(sink->taken.size(), 50'000U);
  EXPECT_EQ(output->counters().written_events.get(), 5'000U);
}

TEST_F(RecordOutputTest, CountsALineAsWrittenWithItsLastByte) {
  open({});
  ASSERT_TRUE(take(events(0, 3)));
  sink->script = {19, 1, 0, 5};
  EXPECT_FALSE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 1U);
  EXPECT_FALSE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 2U);
  EXPECT_EQ(output->counters().backlog_bytes.get(), 10U);
  EXPECT_FALSE(output->drain(now));
  EXPECT_FALSE(output->drain(now));
  EXPECT_EQ(output->counters().backlog_events.get(), 1U);
  expect_even();
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->taken, "0........\n1........\n2........\n");
  expect_even();
}

TEST_F(RecordOutputTest, SendsTheCutLineAgainWhenTheSinkAsks) {
  open({});
  ASSERT_TRUE(take(events(0, 3)));
  sink->script = {15};
  EXPECT_FALSE(output->drain(now));
  sink->rewind = true;
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->taken, "0........\n1....1........\n2........\n");
  EXPECT_EQ(output->counters().written_events.get(), 3U);
  EXPECT_EQ(output->counters().written_bytes.get(), 30U);
  expect_even();
}

TEST_F(RecordOutputTest, LinesAreWrittenWhenTheSinkCannotLoseThemAnyMore) {
  open({.flush_ms = 0, .backlog = 4'096});  // blocks of 1024 bytes
  sink->under_way = 1'500;
  ASSERT_TRUE(take(events(0, 200)));
  output->poll(now);
  EXPECT_EQ(sink->taken.size(), 2'000U);
  EXPECT_EQ(output->counters().written_events.get(), 50U);
  EXPECT_EQ(output->counters().backlog_events.get(), 150U);
  EXPECT_FALSE(output->drain(now));
  expect_even();
  sink->under_way = 5;
  output->poll(now);
  EXPECT_EQ(output->counters().written_events.get(), 199U);
  sink->under_way = 0;
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 200U);
  EXPECT_EQ(output->counters().backlog_bytes.get(), 0U);
  expect_even();
}

TEST_F(RecordOutputTest, WhatWasUnsettledAtABreakIsOfferedAgainFromTheStartOfItsLine) {
  open({.flush_ms = 0, .backlog = 4'096});
  sink->under_way = 1'505;
  ASSERT_TRUE(take(events(0, 200)));
  output->poll(now);
  ASSERT_EQ(output->counters().written_events.get(), 49U);
  sink->broke = true;
  output->poll(now);
  sink->taken.clear();
  sink->under_way = 0;
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->taken.size(), 1'510U);
  EXPECT_EQ(sink->taken.substr(0, 3), "49.");
  EXPECT_EQ(output->counters().written_events.get(), 200U);
  expect_even();
}

TEST_F(RecordOutputTest, DropsTheNewestBeyondTheBacklogAndCountsThem) {
  open({.backlog = 8'000});
  sink->script = std::deque<size_t>(1'000, 0);
  for (uint64_t n = 0; n < 3'000; n += 100) ASSERT_TRUE(take(events(n, n + 100, 2)));
  EXPECT_GE(output->counters().backlog_bytes.get(), 7'000U);
  EXPECT_LE(output->counters().backlog_bytes.get(), 8'010U);
  EXPECT_GT(dropped(Drop::backlog_full), 0U);
  EXPECT_EQ(output->counters().in_events.get(), 3'000U);
  expect_even();
  sink->script.clear();
  EXPECT_TRUE(output->drain(now));
  expect_even();
  EXPECT_EQ(output->counters().written_units.get() + dropped(Drop::backlog_full), 6'000U);
  EXPECT_TRUE(sink->taken.starts_with("0........\n1........\n"));
}

TEST_F(RecordOutputTest, AFullOutputTriesTheSinkOnceAPollNotOnceAnEvent) {
  open({.backlog = 8'000});
  sink->script = std::deque<size_t>(100'000, 0);
  ASSERT_TRUE(take(events(0, 50'000)));
  EXPECT_LE(sink->calls, 2);
}

TEST_F(RecordOutputTest, NumbersEventsFromZeroAndDroppedOnesToo) {
  auto owned = std::make_unique<ScriptedSink>();
  sink = owned.get();
  output = std::make_unique<RecordOutput>("lines", 0, Waiting{.backlog = 8'000},
                                          std::make_unique<SequenceFormat>(), std::move(owned));
  ASSERT_TRUE(take(events(0, 2)));
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->taken, "0\n1\n");
  sink->script = std::deque<size_t>(100'000, 0);
  ASSERT_TRUE(take(events(2, 5'000)));
  ASSERT_GT(dropped(Drop::backlog_full), 0U);
  sink->script.clear();
  sink->taken.clear();
  EXPECT_TRUE(output->drain(now));
  sink->taken.clear();
  ASSERT_TRUE(take(events(5'000, 5'001)));
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(sink->taken, "5000\n");
}

TEST_F(RecordOutputTest, BlockTakesNothingTwiceAndLosesNothing) {
  open({.backlog = 8'000, .when_full = WhenFull::block});
  sink->script = std::deque<size_t>(10'000, 3);
  const TestBatch batch = events(0, 2'000);
  int refused = 0;
  while (!take(batch)) {
    ++refused;
    now.mono_ns += kNsPerMs;
    output->poll(now);
    ASSERT_LE(output->counters().backlog_bytes.get(), 8'010U);
    ASSERT_LT(refused, 100'000);
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(output->counters().block_ns.get(), static_cast<uint64_t>(refused) * kNsPerMs);
  sink->script.clear();
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 2'000U);
  EXPECT_EQ(sink->taken.size(), 20'000U);
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
  expect_even();
}

TEST_F(RecordOutputTest, TricklesBehindADeadSinkDoNotUseUpTheBlocks) {
  open({.flush_ms = 1, .backlog = 8'000});
  sink->script = std::deque<size_t>(100'000, 0);
  for (uint64_t n = 0; n < 700; ++n) {
    ASSERT_TRUE(take(events(n, n + 1)));
    now.mono_ns += 10 * kNsPerMs;
    output->poll(now);
  }
  EXPECT_EQ(dropped(Drop::backlog_full), 0U);
  EXPECT_EQ(output->counters().backlog_events.get(), 700U);
}

TEST_F(RecordOutputTest, AnEndedSinkTurnsEverythingIntoFailedWrites) {
  open({.backlog = 8'000, .when_full = WhenFull::block});
  ASSERT_TRUE(take(events(0, 10, 2)));
  sink->script = {15, 0, 0, 0};
  EXPECT_FALSE(output->drain(now));
  sink->ended_text = "The end.";
  EXPECT_TRUE(output->drain(now));
  EXPECT_TRUE(output->ended());
  EXPECT_EQ(output->fault(), "The end.");
  EXPECT_EQ(output->counters().written_units.get(), 2U);
  EXPECT_EQ(dropped(Drop::write_failed), 18U);
  ASSERT_TRUE(take(events(10, 5'000)));
  EXPECT_EQ(output->counters().in_events.get(), 5'000U);
  EXPECT_EQ(dropped(Drop::write_failed), 18U + 4'990U);
  expect_even();
}

TEST_F(RecordOutputTest, AbandonCountsWhatWaitsAndTellsTheSinkOfTheCutLine) {
  open({});
  ASSERT_TRUE(take(events(0, 5)));
  sink->script = {25, 0};
  EXPECT_FALSE(output->drain(now));
  ASSERT_TRUE(take(events(5, 7)));
  output->abandon();
  EXPECT_EQ(sink->abandoned_at, 25U);
  EXPECT_EQ(dropped(Drop::output_shutdown), 5U);
  EXPECT_EQ(output->counters().written_events.get(), 2U);
  EXPECT_EQ(output->counters().backlog_events.get(), 0U);
  expect_even();
}

TEST_F(RecordOutputTest, AbandonCountsTheRestOfABatchThatWasTakenInPart) {
  open({.backlog = 8'000, .when_full = WhenFull::block});
  sink->script = std::deque<size_t>(100'000, 0);
  const TestBatch batch = events(0, 2'000, 2);
  ASSERT_FALSE(take(batch));
  ASSERT_GT(output->counters().in_units.get(), 0U);
  ASSERT_LT(output->counters().in_units.get(), 4'000U);
  output->abandon_batch(batch.batch());
  output->abandon();
  EXPECT_EQ(output->counters().in_units.get(), 4'000U);
  EXPECT_EQ(dropped(Drop::output_shutdown), 4'000U);
  expect_even();
}

TEST_F(RecordOutputTest, ObservesEveryEventsTimeFromArrival) {
  open({});
  ASSERT_TRUE(take(events(0, 100)));
  now.mono_ns = 3'000;
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().latency.bucket(1), 100U);  // 1 to 4 µs
}

}  // namespace
}  // namespace weir
