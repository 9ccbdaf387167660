// KafkaProducer: one producer of librdkafka on one topic. Its own threads, which librdkafka starts, talk to
// the brokers; made and destroyed by the control thread (or one that stands in for it), used by one export
// lcore.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "exporters/kafka/kafka_conf.h"
#include "exporters/kafka/kafka_records.h"

namespace weir {

// Of what a producer says, within poll().
class KafkaListener {
 public:
  virtual ~KafkaListener() = default;
  // The message of that number is delivered, or was not: each message once.
  virtual void on_report(uint64_t number, rd_kafka_resp_err_t error) = 0;
  virtual void on_error(rd_kafka_resp_err_t error, const char* reason) = 0;
  // librdkafka's statistics, JSON.
  virtual void on_statistics(std::string_view json) = 0;
};

// NAME and VALUE; a value {input} is filled in for each message.
using KafkaHeaders = std::vector<std::pair<std::string, std::string>>;

class KafkaProducer {
 public:
  // who: what log lines begin with. listener and headers outlive it. An Error says why librdkafka does not
  // take the settings: a file of TLS that cannot be used, say. Waits for no broker.
  static Result<std::unique_ptr<KafkaProducer>> open(const KafkaConf& conf, const std::string& topic,
                                                     std::string who, KafkaListener& listener,
                                                     const KafkaHeaders& headers);
  // Messages without a report get none any more. Waits for librdkafka's threads.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // The value stays where it is until the report; nothing is copied but the key. input: the name of its
  // input.
  rd_kafka_resp_err_t produce(const KafkaMessage& message, std::string_view input, uint64_t number) noexcept;
  // Never waits. true: something was said.
  bool poll() { return rd_kafka_poll(handle_, 0) != 0; }
  // Waits up to so many ms for something.
  void wait(int ms) { rd_kafka_poll(handle_, ms); }
  // What is not delivered yet is reported as not delivered, in the polls that follow. Some of it may be
  // delivered.
  void purge() noexcept;
  // Why it takes no message any more; empty: it does.
  [[nodiscard]] std::string fatal_error() const;
  [[nodiscard]] rd_kafka_t* handle() const noexcept { return handle_; }

 private:
  KafkaProducer(std::string who, KafkaListener& listener, const KafkaHeaders& headers)
      : who_(std::move(who)), listener_(listener), headers_(headers) {}
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  [[nodiscard]] rd_kafka_headers_t* make_headers(std::string_view input) const;

  const std::string who_;
  KafkaListener& listener_;
  const KafkaHeaders& headers_;
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_topic_t* topic_ = nullptr;
  std::atomic<uint64_t> next_log_ns_{0};
};

}  // namespace weir
