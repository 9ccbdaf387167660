#include "exporters/export_stage.h"

#include <gtest/gtest.h>

#include "tests/exporters/metric_reader.h"
#include "tests/exporters/test_event.h"

namespace weir {
namespace {

// Takes what it is told to, and remembers the arrival times of the events, which name them here.
class PickyOutput : public Output {
 public:
  explicit PickyOutput(std::vector<uint64_t>& seen) : Output("picky", 0), seen_(seen) {}
  bool take(const Batch& events, const Now&) override {
    if (!willing) return false;
    for_each_record<Event>(events, [&](const Event& event) {
      seen_.push_back(event.arrival_ns);
      counters_.in_units.add(event.units);
      counters_.written_units.add(event.units);
    });
    return true;
  }
  bool poll(const Now&) override { return false; }
  [[nodiscard]] bool is_out(uint64_t) const noexcept override { return all_out; }
  bool drain(const Now&) override { return drained; }
  void abandon() override { abandoned = true; }

  bool willing = true;
  bool drained = true;
  bool all_out = true;
  bool abandoned = false;

 private:
  std::vector<uint64_t>& seen_;
};

TestEvent numbered(uint64_t number, uint16_t units = 1) {
  TestEvent event;
  event.head.arrival_ns = number;
  event.head.units = units;
  return event;
}

struct ExportStageTest : testing::Test {
  void SetUp() override {
    std::vector<std::unique_ptr<Output>> outputs;
    outputs.push_back(std::make_unique<PickyOutput>(first_seen));
    outputs.push_back(std::make_unique<PickyOutput>(second_seen));
    first = static_cast<PickyOutput*>(outputs[0].get());
    second = static_cast<PickyOutput*>(outputs[1].get());
    stage = std::make_unique<ExportStage>(0, std::vector<Ring*>{&a, &b}, std::move(outputs));
  }
  Poll poll() { return stage->poll({}); }

  Ring a{16, 16};
  Ring b{16, 16};
  std::vector<uint64_t> first_seen;
  std::vector<uint64_t> second_seen;
  PickyOutput* first = nullptr;
  PickyOutput* second = nullptr;
  std::unique_ptr<ExportStage> stage;
};

TEST_F(ExportStageTest, GivesEveryBatchToEveryOutputFromAllRingsInTurn) {
  TestBatch one{numbered(1), numbered(2)};
  TestBatch two{numbered(3)};
  TestBatch three{numbered(4, 2)};
  ASSERT_TRUE(a.push(&one) && a.push(&two) && b.push(&three));
  EXPECT_EQ(poll(), Poll::busy);
  EXPECT_EQ(first_seen, (std::vector<uint64_t>{1, 2, 4, 3}));
  EXPECT_EQ(second_seen, first_seen);
  const Balance balance = stage->balance();
  EXPECT_EQ(balance.in, 5U);
  EXPECT_EQ(balance.out, 5U);
  EXPECT_TRUE(balance.even());
  EXPECT_EQ(poll(), Poll::idle);
}

TEST_F(ExportStageTest, MarkArrivesWhenAllBeforeItHasLeftEveryOutput) {
  Counter arrived;
  TestBatch one{numbered(1)};
  Batch alone;
  (&one)->mark = {.arrived = &arrived, .number = 1};
  alone.mark = {.arrived = &arrived, .number = 2};
  first->all_out = false;
  ASSERT_TRUE(a.push(&one) && a.push(&alone));
  (void)poll();
  (void)poll();
  EXPECT_EQ(arrived.get(), 0U);
  first->all_out = true;
  second->all_out = false;
  (void)poll();
  EXPECT_EQ(arrived.get(), 0U);
  second->all_out = true;
  (void)poll();
  EXPECT_EQ(arrived.get(), 2U);
}

TEST_F(ExportStageTest, MarkOfTheLastBatchArrivesWhenAllIsDrained) {
  Counter arrived;
  TestBatch one{numbered(1)};
  (&one)->mark = {.arrived = &arrived, .number = 1};
  ASSERT_TRUE(a.push(&one));
  a.close();
  b.close();
  first->drained = false;
  first->all_out = false;
  EXPECT_EQ(poll(), Poll::busy);
  EXPECT_EQ(poll(), Poll::idle);
  EXPECT_EQ(arrived.get(), 0U);
  first->drained = first->all_out = true;
  EXPECT_EQ(poll(), Poll::done);
  EXPECT_EQ(arrived.get(), 1U);
}

TEST_F(ExportStageTest, HoldsTheBatchThatAnOutputRefusesAndGivesItToNobodyTwice) {
  TestBatch one{numbered(1, 2)};
  TestBatch two{numbered(2)};
  ASSERT_TRUE(a.push(&one) && a.push(&two));
  second->willing = false;
  EXPECT_EQ(poll(), Poll::idle);
  EXPECT_EQ(poll(), Poll::idle);
  EXPECT_EQ(first_seen, (std::vector<uint64_t>{1}));
  EXPECT_EQ(stage->balance().in_flight, 2U);
  EXPECT_TRUE(stage->balance().even());
  second->willing = true;
  EXPECT_EQ(poll(), Poll::busy);
  EXPECT_EQ(first_seen, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(second_seen, first_seen);
  EXPECT_EQ(stage->balance().out, 3U);
}

TEST_F(ExportStageTest, EndsWhenItsRingsHaveEndedAndItsOutputsAreDrained) {
  TestBatch one{numbered(1)};
  ASSERT_TRUE(a.push(&one));
  a.close();
  EXPECT_EQ(poll(), Poll::busy);
  EXPECT_EQ(poll(), Poll::idle);
  b.close();
  first->drained = false;
  EXPECT_EQ(poll(), Poll::idle);
  first->drained = true;
  EXPECT_EQ(poll(), Poll::done);
}

TEST_F(ExportStageTest, AbandonCountsWhatIsHeldAndWhatIsInTheRings) {
  TestBatch one{numbered(1)};
  TestBatch two{numbered(2, 3)};
  TestBatch three{numbered(3)};
  ASSERT_TRUE(a.push(&one) && a.push(&two) && b.push(&three));
  first->willing = false;
  EXPECT_EQ(poll(), Poll::idle);
  stage->abandon();
  EXPECT_TRUE(first->abandoned && second->abandoned);
  const Balance balance = stage->balance();
  EXPECT_EQ(balance.in, 5U);
  EXPECT_EQ(balance.drops + first->balance().drops, 5U);
  EXPECT_TRUE(balance.even());
  // What the stage says it gave to all outputs is what each of them got.
  for (const PickyOutput* output : {first, second}) {
    EXPECT_EQ(output->balance().in, balance.out);
    EXPECT_TRUE(output->balance().even());
  }
}

TEST_F(ExportStageTest, ShowsEveryOutputsNumbers) {
  TestBatch one{numbered(1, 2)};
  ASSERT_TRUE(a.push(&one));
  ASSERT_EQ(poll(), Poll::busy);
  MetricReader metrics;
  stage->describe(metrics);
  EXPECT_TRUE(metrics.all_have_help);
  EXPECT_EQ(metrics.get("weir_export_units_total{lcore=0}"), 2);
  for (const char* name :
       {"weir_output_events_total", "weir_output_written_events_total", "weir_output_written_bytes_total",
        "weir_output_backlog_events", "weir_output_backlog_bytes", "weir_output_up",
        "weir_output_faults_total", "weir_output_block_seconds_total", "weir_output_latency_seconds",
        "weir_output_drops_total"})
    EXPECT_GE(metrics.get(std::string(name) + "{output=picky}"), 0) << name;
  EXPECT_EQ(metrics.get("weir_output_drops_total{reason=output_shutdown}"), 0);
}

}  // namespace
}  // namespace weir
