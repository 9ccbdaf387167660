#include "exporters/kafka/kafka_sink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "exporters/kafka/kafka_format.h"
#include "exporters/record_output.h"
#include "tests/exporters/kafka/kafka_cluster.h"
#include "tests/exporters/metric_reader.h"
#include "tests/exporters/test_event.h"

namespace weir {
namespace {

// The number of the event, with as many dots behind it as its units say beyond one.
class NumberFormat : public LineFormat {
 public:
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    const std::string number = std::to_string(event.arrival_ns);
    out = std::copy(number.begin(), number.end(), out);
    out = std::fill_n(out, event.units - 1, '.');
    *out++ = '\n';
    return out;
  }
};

struct KafkaSinkTest : testing::Test {
  void open(KafkaBatchLimits batch = {.events = 10, .bytes = 1000}, const Waiting& waiting = {.flush_ms = 1},
            KafkaKey key = KafkaKey::none, KafkaHeaders headers = {}) {
    KafkaOptions settings;
    settings.brokers = {cluster->brokers()};
    settings.topic = "dns";
    settings.options = options;
    auto conf = KafkaConf::make(settings);
    ASSERT_TRUE(conf.ok()) << conf.error().message;
    const bool names_input = !headers.empty();
    auto opened =
        KafkaSink::open(std::make_shared<const KafkaConf>(std::move(*conf)), {.who = "output kafka",
                                                                              .topic = "dns",
                                                                              .headers = std::move(headers),
                                                                              .batch = batch,
                                                                              .input_names = {"one", "two"}});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    sink = opened->get();
    output = std::make_unique<RecordOutput>(
        "kafka", 0, waiting,
        std::make_unique<KafkaFormat>(std::make_unique<NumberFormat>(), key, names_input, nullptr),
        std::move(*opened));
  }
  // Of seven clients in turn.
  bool take(uint64_t from, uint64_t to, uint32_t units = 1) {
    TestBatch batch;
    for (uint64_t n = from; n < to; ++n) {
      TestEvent event;
      event.head.arrival_ns = n;
      event.head.units = units;
      event.head.input = static_cast<uint16_t>(n % 2);
      event.head.client.addr = *parse_addr("192.0.2." + std::to_string(n % 7));
      batch.add(event);
    }
    return output->take(batch.batch(), read_clock());
  }
  bool poll_until(const std::function<bool()>& done) {
    const uint64_t end = read_clock().mono_ns + 60 * kNsPerSec;
    bool is_done = false;
    while (!(is_done = done()) && read_clock().mono_ns < end) {
      output->poll(read_clock());
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    expect_even();
    return is_done;
  }
  bool drain() {
    return poll_until([&] { return output->drain(read_clock()); });
  }
  void expect_even() { EXPECT_TRUE(output->balance().even()); }
  [[nodiscard]] uint64_t written() const { return output->counters().written_events.get(); }
  [[nodiscard]] uint64_t dropped(Drop reason) const { return output->counters().drops.get(reason); }
  [[nodiscard]] double metric(const std::string& name) const {
    MetricReader reader;
    output->describe(reader);
    EXPECT_TRUE(reader.all_have_help);
    return reader.get(name);
  }
  // The numbers in the topic.
  [[nodiscard]] std::vector<uint64_t> numbers(size_t messages) const {
    std::vector<uint64_t> found;
    for (const ReadMessage& message : read_topic(cluster->brokers(), messages)) add_numbers(message, found);
    return found;
  }
  static void add_numbers(const ReadMessage& message, std::vector<uint64_t>& found) {
    for (size_t at = 0; at < message.value.size();
         at = std::min(message.value.find('\n', at), message.value.size()) + 1)
      found.push_back(std::stoull(message.value.substr(at)));
  }
  static std::vector<uint64_t> from_to(uint64_t from, uint64_t to) {
    std::vector<uint64_t> all;
    for (uint64_t n = from; n < to; ++n) all.push_back(n);
    return all;
  }

  std::unique_ptr<KafkaCluster> cluster = std::make_unique<KafkaCluster>();
  std::vector<std::string> options;
  KafkaSink* sink = nullptr;
  std::unique_ptr<RecordOutput> output;
};

TEST_F(KafkaSinkTest, BatchesArriveInOrder) {
  open();
  ASSERT_TRUE(take(0, 1005));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 1005U);
  EXPECT_EQ(metric("weir_output_kafka_messages_total{result=delivered}"), 101);
  EXPECT_EQ(metric("weir_output_kafka_in_flight_messages"), 0);
  const auto messages = read_topic(cluster->brokers(), 101);
  ASSERT_EQ(messages.size(), 101U);
  EXPECT_EQ(messages.front().value, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9");
  EXPECT_EQ(messages.front().key, "");
  EXPECT_EQ(messages.back().value, "1000\n1001\n1002\n1003\n1004");
  EXPECT_EQ(numbers(101), from_to(0, 1005));
}

TEST_F(KafkaSinkTest, KeysKeepTheOrderOfEachInItsPartition) {
  cluster = std::make_unique<KafkaCluster>(4);
  open({}, {.flush_ms = 1}, KafkaKey::client);
  ASSERT_TRUE(take(0, 700));
  ASSERT_TRUE(drain());
  std::map<std::string, std::vector<uint64_t>> by_key;
  std::map<std::string, std::set<int32_t>> partitions;
  std::set<int32_t> used;
  for (const ReadMessage& message : read_topic(cluster->brokers(), 700, 4)) {
    add_numbers(message, by_key[message.key]);
    partitions[message.key].insert(message.partition);
    used.insert(message.partition);
  }
  ASSERT_EQ(by_key.size(), 7U);
  EXPECT_GT(used.size(), 1U);
  for (const auto& [key, found] : by_key) {
    EXPECT_EQ(partitions[key].size(), 1U) << key;
    EXPECT_EQ(found.size(), 100U) << key;
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end())) << key;
    EXPECT_EQ(key, "192.0.2." + std::to_string(found.front() % 7));
  }
}

TEST_F(KafkaSinkTest, HeadersNameTheInput) {
  open({}, {.flush_ms = 1}, KafkaKey::none, {{"site", "lab"}, {"input", "{input}"}});
  ASSERT_TRUE(take(0, 2));
  ASSERT_TRUE(drain());
  const auto messages = read_topic(cluster->brokers(), 2);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].headers, (std::map<std::string, std::string>{{"site", "lab"}, {"input", "one"}}));
  EXPECT_EQ(messages[1].headers, (std::map<std::string, std::string>{{"site", "lab"}, {"input", "two"}}));
}

TEST_F(KafkaSinkTest, AnEventThatIsTooLargeIsRefusedAlone) {
  options = {"message.max.bytes=2000"};
  open();
  ASSERT_TRUE(take(0, 15));
  ASSERT_TRUE(take(15, 16, 5000));
  ASSERT_TRUE(take(16, 30));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 29U);
  EXPECT_EQ(dropped(Drop::refused), 5000U);
  EXPECT_EQ(metric("weir_output_kafka_messages_total{result=refused}"), 1);
  auto expected = from_to(0, 30);
  std::erase(expected, 15U);
  EXPECT_EQ(numbers(4), expected);
}

TEST_F(KafkaSinkTest, WhatTheBrokerRefusesIsCountedEventByEvent) {
  open();
  cluster->push_errors(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  ASSERT_TRUE(take(0, 10));
  ASSERT_TRUE(drain());
  EXPECT_EQ(dropped(Drop::refused), 10U);
  EXPECT_EQ(written(), 0U);
  ASSERT_TRUE(take(10, 20));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 10U);
  EXPECT_EQ(numbers(1), from_to(10, 20));
}

TEST_F(KafkaSinkTest, WhatMayBeTriedAgainIsAndArrivesOnce) {
  open();
  cluster->push_errors(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 100U);
  EXPECT_EQ(numbers(10), from_to(0, 100));
  EXPECT_TRUE(poll_until([&] { return metric("weir_output_kafka_retries_total") > 0; }));
}

TEST_F(KafkaSinkTest, WhatIsNotAllowedNowIsSentAgain) {
  open();
  cluster->push_errors(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 100U);
  EXPECT_GE(metric("weir_output_kafka_messages_total{result=failed}"), 1);
  EXPECT_GE(output->counters().faults.get(), 1U);
  const auto found = numbers(10);
  EXPECT_EQ(std::set<uint64_t>(found.begin(), found.end()).size(), 100U);
}

TEST_F(KafkaSinkTest, AFatalErrorMakesAnotherProducerAndLosesNothing) {
  open();
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(drain());
  rd_kafka_test_fatal_error(sink->handle(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "for a test");
  ASSERT_TRUE(take(100, 200));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 200U);
  EXPECT_EQ(metric("weir_output_kafka_restarts_total"), 1);
  const auto found = numbers(20);
  EXPECT_EQ(std::set<uint64_t>(found.begin(), found.end()).size(), 200U);
}

TEST_F(KafkaSinkTest, WhatIsUnderWayAtAFatalErrorIsSentAgain) {
  open();
  cluster->answer_slowly(500);
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(poll_until([&] { return sink->unsettled() != 0; }));
  rd_kafka_test_fatal_error(sink->handle(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "for a test");
  ASSERT_TRUE(take(100, 200));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 200U);
  const auto found = numbers(20);
  EXPECT_EQ(std::set<uint64_t>(found.begin(), found.end()).size(), 200U);
}

TEST_F(KafkaSinkTest, ABrokerThatIsDownAndBackLosesNothing) {
  open();
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(drain());
  cluster->down();
  ASSERT_TRUE(take(100, 1000));
  ASSERT_TRUE(poll_until([&] { return output->counters().up.get() == 0; }));
  EXPECT_LT(written(), 1000U);
  EXPECT_GE(output->counters().faults.get(), 1U);
  cluster->up();
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), 1000U);
  EXPECT_TRUE(poll_until([&] { return output->counters().up.get() == 1; }));
  const auto found = numbers(100);
  EXPECT_EQ(std::set<uint64_t>(found.begin(), found.end()).size(), 1000U);
}

TEST_F(KafkaSinkTest, AFullQueueFillsTheBacklogAndThenDrops) {
  options = {"queue.buffering.max.messages=10"};
  cluster->down();
  open({}, {.flush_ms = 1, .backlog = 4096, .when_full = WhenFull::drop_newest});
  uint64_t next = 0;
  ASSERT_TRUE(poll_until([&] {
    EXPECT_TRUE(take(next, next + 100));
    next += 100;
    return dropped(Drop::backlog_full) >= 100;
  }));
  EXPECT_LE(metric("weir_output_kafka_in_flight_messages"), 16);
  const uint64_t lost = dropped(Drop::backlog_full);
  cluster->up();
  ASSERT_TRUE(drain());
  EXPECT_EQ(written() + lost, next);
}

TEST_F(KafkaSinkTest, AFullBacklogThatBlocksLosesNothing) {
  open({}, {.flush_ms = 1, .backlog = 4096, .when_full = WhenFull::block});
  cluster->down();
  uint64_t next = 0;
  TestBatch batch;
  ASSERT_TRUE(poll_until([&] {
    TestEvent event;
    event.head.arrival_ns = next;
    TestBatch one;
    one.add(event);
    batch = std::move(one);
    if (!output->take(batch.batch(), read_clock())) return true;
    ++next;
    return false;
  }));
  cluster->up();
  ASSERT_TRUE(poll_until([&] { return output->take(batch.batch(), read_clock()); }));
  ASSERT_TRUE(drain());
  EXPECT_EQ(written(), next + 1);
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
}

TEST_F(KafkaSinkTest, WhatWaitsIsCountedWhenItIsAbandoned) {
  open();
  cluster->down();
  ASSERT_TRUE(take(0, 100));
  ASSERT_TRUE(poll_until([&] { return sink->unsettled() != 0; }));
  output->abandon();
  expect_even();
  EXPECT_EQ(written() + dropped(Drop::output_shutdown), 100U);
  EXPECT_GE(dropped(Drop::output_shutdown), 1U);
}

TEST(KafkaConf, RefusesWhatLibrdkafkaDoesNotKnow) {
  KafkaOptions settings;
  settings.brokers = {"127.0.0.1:1"};
  settings.options = {"no.such=1"};
  const auto conf = KafkaConf::make(settings);
  ASSERT_FALSE(conf.ok());
  EXPECT_TRUE(conf.error().message.starts_with("options: ")) << conf.error().message;
  EXPECT_NE(conf.error().message.find("no.such"), std::string::npos) << conf.error().message;
}

}  // namespace
}  // namespace weir
