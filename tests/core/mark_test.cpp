#include "core/mark.h"

#include <gtest/gtest.h>

#include "core/batch_writer.h"

namespace weir {
namespace {

TEST(MarkQueue, PassesWhatMayPassAndKeepsTheRest) {
  Counter a;
  Counter b;
  MarkQueue<int> queue;
  ASSERT_TRUE(queue.put({.arrived = &a, .number = 1}, 10));
  ASSERT_TRUE(queue.put({.arrived = &b, .number = 7}, 1));
  queue.pass([](const Mark& mark, int behind) {
    if (behind > 5) return false;
    mark.arrived->set(mark.number);
    return true;
  });
  EXPECT_EQ(a.get(), 0U);
  EXPECT_EQ(b.get(), 7U);
  EXPECT_FALSE(queue.empty());
}

TEST(MarkQueue, WhenItIsFullTheLatestStandsForTheOneBefore) {
  Counter a;
  Counter b;
  MarkQueue<uint64_t> queue;
  for (uint64_t n = 1; n <= 2 * MarkQueue<uint64_t>::kMost; ++n)
    ASSERT_TRUE(queue.put({.arrived = &a, .number = n}, n));
  EXPECT_FALSE(queue.put({.arrived = &b, .number = 1}, 0));
  uint64_t passed = 0;
  queue.pass([&](const Mark& mark, uint64_t behind) {
    EXPECT_EQ(mark.number, behind);
    EXPECT_GT(mark.number, passed);
    passed = mark.number;
    return true;
  });
  EXPECT_EQ(passed, 2 * MarkQueue<uint64_t>::kMost);
  EXPECT_TRUE(queue.empty());
}

struct MarkInABatch : testing::Test {
  BatchPool pool{4, 64, 0, 0};
  Ring ring{2, 4};
  BatchWriter writer{ring, pool};
  Counter a;
  Counter b;
};

TEST_F(MarkInABatch, GoesWithoutARecord) {
  ASSERT_TRUE(writer.put({.arrived = &a, .number = 3, .flush = true}, 0));
  ASSERT_TRUE(writer.put({.arrived = &a, .number = 4}, 0));
  ASSERT_TRUE(writer.flush());
  Batch* batch = ring.pop();
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->records, 0U);
  EXPECT_EQ(batch->mark.number, 4U);
  EXPECT_TRUE(batch->mark.flush) << "of both";
  EXPECT_EQ(ring.pushed(), 0U) << "it is no unit";
  ring.release(batch);
  ring.collect(pool);
  EXPECT_FALSE(pool.take(1)->mark);
}

TEST_F(MarkInABatch, OneOfAnotherCounterHasABatchOfItsOwn) {
  ASSERT_TRUE(writer.put({.arrived = &a, .number = 1}, 0));
  ASSERT_TRUE(writer.put({.arrived = &b, .number = 1}, 0));
  ASSERT_TRUE(writer.put({.arrived = &a, .number = 2}, 0));
  EXPECT_FALSE(writer.put({.arrived = &b, .number = 2}, 0)) << "the ring is full";
  Batch* batch = ring.pop();
  EXPECT_EQ(batch->mark.arrived, &a);
  EXPECT_TRUE(writer.put({.arrived = &b, .number = 2}, 0));
  EXPECT_EQ(writer.abandon(), 0U);
  ring.release(batch);
}

}  // namespace
}  // namespace weir
