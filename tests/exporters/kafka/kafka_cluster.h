// A Kafka cluster for tests: librdkafka's own mock, which speaks the protocol over real sockets and can be
// told to fail; and what is in a topic of it. tests/peers has the real brokers.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace weir {

class KafkaCluster {
 public:
  static constexpr int16_t kProduce = 0;  // key of the request

  explicit KafkaCluster(int partitions = 1) {
    std::array<char, 512> why{};
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why.data(), why.size());
    mock_ = rd_kafka_mock_cluster_new(handle_, 1);
    rd_kafka_mock_topic_create(mock_, "dns", partitions, 1);
  }
  ~KafkaCluster() {
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(handle_);
  }
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  [[nodiscard]] std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(mock_); }
  void down() { rd_kafka_mock_broker_set_down(mock_, 1); }
  void up() { rd_kafka_mock_broker_set_up(mock_, 1); }
  void answer_slowly(int ms) { rd_kafka_mock_broker_set_rtt(mock_, 1, ms); }
  // The next requests to produce are answered so.
  void push_errors(rd_kafka_resp_err_t error, int count = 1) {
    for (int i = 0; i < count; ++i) rd_kafka_mock_push_request_errors(mock_, kProduce, 1, error);
  }

 private:
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
};

struct ReadMessage {
  int32_t partition = 0;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
};

// The first `count` messages of the topic, or those that came in 30 s.
inline std::vector<ReadMessage> read_topic(const std::string& brokers, size_t count, int partitions = 1) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), why.data(), why.size());
  rd_kafka_conf_set(conf, "group.id", "test", why.data(), why.size());
  rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", why.data(), why.size());
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i)
    rd_kafka_topic_partition_list_add(all, "dns", i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, all);
  rd_kafka_topic_partition_list_destroy(all);
  std::vector<ReadMessage> messages;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (messages.size() < count && std::chrono::steady_clock::now() < end) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ReadMessage read{.partition = message->partition,
                       .key = std::string(static_cast<const char*>(message->key), message->key_len),
                       .value = std::string(static_cast<const char*>(message->payload), message->len),
                       .headers = {}};
      rd_kafka_headers_t* headers = nullptr;
      if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        size_t len = 0;
        for (size_t i = 0;
             rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
          read.headers[name] = std::string(static_cast<const char*>(value), len);
      }
      messages.push_back(std::move(read));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_destroy(consumer);
  return messages;
}

}  // namespace weir
