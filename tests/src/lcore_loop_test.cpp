#include "src/lcore_loop.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir {
namespace {

class CountingStage : public Stage {
 public:
  explicit CountingStage(unsigned turns) : turns_(turns) {}
  Poll poll(const Now&) override {
    ++polls_;
    if (polls_ == turns_) return Poll::done;
    return polls_ % 2 == 0 ? Poll::busy : Poll::idle;
  }
  void abandon() override {}
  void describe(MetricVisitor&) const override {}
  [[nodiscard]] unsigned polls() const { return polls_; }

 private:
  unsigned turns_;
  unsigned polls_ = 0;
};

TEST(LcoreLoop, EndsWhenTheStageIsDone) {
  std::atomic<bool> abort{false};
  CountingStage stage(500);
  LcoreLoop loop(false, kNsPerMs, abort);
  loop.add(stage, "test", 0);
  loop.run();
  EXPECT_TRUE(loop.ended());
  EXPECT_EQ(stage.polls(), 500U);
}

TEST(LcoreLoop, SharedByStagesEndsWhenAllAreDoneAndPollsTheLastThatHasWork) {
  std::atomic<bool> abort{false};
  CountingStage first(10);
  CountingStage last(500);
  LcoreLoop loop(false, kNsPerMs, abort);
  loop.add(first, "test", 0);
  loop.add(last, "test", 1);
  loop.run();
  EXPECT_TRUE(loop.ended());
  EXPECT_EQ(first.polls(), 10U);
  EXPECT_EQ(last.polls(), 500U);
}

TEST(LcoreLoop, EndsOnAbortThoughTheStageIsNot) {
  for (bool spin : {false, true}) {
    std::atomic<bool> abort{false};
    CountingStage stage(0);
    LcoreLoop loop(spin, kNsPerMs, abort);
    loop.add(stage, "test", 0);
    std::thread lcore([&] { loop.run(); });
    while (loop.last_turn_ns() == 0) std::this_thread::yield();
    EXPECT_FALSE(loop.ended());
    abort = true;
    lcore.join();
    EXPECT_TRUE(loop.ended());
  }
}

}  // namespace
}  // namespace weir
