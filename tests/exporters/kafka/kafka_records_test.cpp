#include "exporters/kafka/kafka_records.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace weir {
namespace {

std::string with_head(std::string_view key, std::string_view line, uint16_t input = kNoKafkaInput) {
  std::array<char, kKafkaHeadBytes> head;
  write_kafka_head(head.data(), input, key.size(), line.size());
  return std::string(head.data(), head.size()) + std::string(key) + std::string(line);
}

TEST(KafkaRecords, LinesGoTogetherUpToTheLimits) {
  const std::string lines = "one\ntwo\nthree\n";
  const auto two = next_kafka_message(lines, {.events = 2, .bytes = 100});
  EXPECT_EQ(two.value, "one\ntwo");
  EXPECT_EQ(two.bytes, 8U);
  EXPECT_EQ(two.key.data(), nullptr);
  EXPECT_EQ(next_kafka_message(lines, {.events = 9, .bytes = 100}).value, "one\ntwo\nthree");
  EXPECT_EQ(next_kafka_message(lines, {.events = 9, .bytes = 8}).value, "one\ntwo");
  EXPECT_EQ(next_kafka_message(lines, {.events = 9, .bytes = 7}).value, "one");
  EXPECT_EQ(next_kafka_message(lines, {.events = 9, .bytes = 1}).value, "one");
}

TEST(KafkaRecords, OneWithAHeadIsAMessageOfItsOwn) {
  const std::string records = "plain\n" + with_head("k", "line\n", 7) + with_head("", "x\n");
  const KafkaBatchLimits limits{.events = 9, .bytes = 1000};
  const auto plain = next_kafka_message(records, limits);
  EXPECT_EQ(plain.value, "plain");
  const std::string_view rest = std::string_view(records).substr(plain.bytes);
  const auto keyed = next_kafka_message(rest, limits);
  EXPECT_EQ(keyed.key, "k");
  EXPECT_EQ(keyed.value, "line");
  EXPECT_EQ(keyed.input, 7);
  EXPECT_EQ(keyed.bytes, kafka_record_bytes(rest));
  const auto last = next_kafka_message(rest.substr(keyed.bytes), limits);
  EXPECT_EQ(last.key.data(), nullptr);
  EXPECT_EQ(last.value, "x");
  EXPECT_EQ(last.bytes, rest.size() - keyed.bytes);
}

// As a damaged spool might have.
TEST(KafkaRecords, LengthsThatLieStayWithin) {
  std::string record = with_head("key", "line\n");
  for (const size_t at : {4U, 5U, 8U, 9U, 10U, 11U}) {
    std::string bad = record;
    bad[at] = '\xff';
    const auto message = next_kafka_message(bad, {.events = 9, .bytes = 1000});
    EXPECT_LE(message.bytes, bad.size());
    EXPECT_GT(message.bytes, 0U);
  }
  EXPECT_EQ(next_kafka_message("\x01 no head", {.events = 1, .bytes = 0}).bytes, 9U);
}

}  // namespace
}  // namespace weir
