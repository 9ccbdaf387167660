#include "core/ring.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/batch_writer.h"

namespace weir {
namespace {

struct Record {
  uint32_t record_len;
  uint32_t number;
};

bool put(BatchWriter& writer, uint32_t number, size_t bytes = sizeof(Record)) {
  uint8_t* room = writer.reserve(bytes, 0);
  if (room == nullptr) return false;
  *reinterpret_cast<Record*>(room) = {BatchWriter::padded(bytes), number};
  writer.commit(BatchWriter::padded(bytes), 1);
  return true;
}

TEST(Ring, FullRingKeepsTheRecordWithTheCaller) {
  BatchPool pool(8, 64, 0, 0);
  Ring ring(2, 8);
  BatchWriter writer(ring, pool);
  uint32_t n = 0;
  while (put(writer, n)) ++n;
  EXPECT_EQ(writer.full(), BatchWriter::Full::ring);
  EXPECT_EQ(n, 24U);  // two batches in the ring, one open, eight records each
  EXPECT_EQ(ring.depth() + writer.open_units(), n);
  EXPECT_EQ(ring.take_highest_depth(), 16U);
  EXPECT_EQ(ring.take_highest_depth(), 0U);
}

TEST(Ring, EmptyPoolIsSaidAndBatchesComeHome) {
  BatchPool pool(1, 64, 1, 4096);
  Ring ring(4, 2);
  BatchWriter writer(ring, pool);
  ASSERT_TRUE(put(writer, 1));
  ASSERT_TRUE(writer.flush());
  EXPECT_FALSE(put(writer, 2));
  EXPECT_EQ(writer.full(), BatchWriter::Full::pool);
  ASSERT_TRUE(put(writer, 3, 4096));  // a large one has its own room
  ASSERT_TRUE(writer.flush());
  EXPECT_FALSE(put(writer, 4, 4096));
  EXPECT_EQ(pool.in_use(), 2U);
  for (int i = 0; i < 2; ++i) ring.release(ring.pop());
  EXPECT_TRUE(put(writer, 5));
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(writer.abandon(), 1U);
}

TEST(Ring, EndsAfterWhatWasPushed) {
  BatchPool pool(2, 64, 0, 0);
  Ring ring(2, 2);
  BatchWriter writer(ring, pool);
  ASSERT_TRUE(put(writer, 1));
  ASSERT_TRUE(writer.flush());
  ring.close();
  EXPECT_FALSE(ring.ended());
  ring.release(ring.pop());
  EXPECT_TRUE(ring.ended());
}

TEST(Ring, EveryRecordArrivesOnceInOrderAcrossThreads) {
  constexpr uint32_t kRecords = 200'000;
  BatchPool pool(6, 256, 0, 0);
  Ring ring(3, 6);
  std::thread producer([&] {
    BatchWriter writer(ring, pool);
    for (uint32_t n = 0; n < kRecords;) {
      if (put(writer, n))
        ++n;
      else
        std::this_thread::yield();
    }
    while (!writer.flush()) std::this_thread::yield();
    ring.close();
  });
  uint32_t next = 0;
  while (!ring.ended()) {
    Batch* batch = ring.pop();
    if (batch == nullptr) {
      std::this_thread::yield();
      continue;
    }
    for_each_record<Record>(*batch, [&](const Record& record) { ASSERT_EQ(record.number, next++); });
    ring.release(batch);
  }
  producer.join();
  EXPECT_EQ(next, kRecords);
  EXPECT_EQ(ring.pushed(), ring.popped());
}

}  // namespace
}  // namespace weir
