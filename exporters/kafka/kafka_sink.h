// KafkaSink: an export lcore's own producer. Records stay where they are in the output's blocks while they
// are under way, and are settled in their order as the delivery reports come in. After an error that is not a
// message's own, nothing more is taken until each message has its report; then all that are not settled are
// taken again, so that a topic may get events twice and lacks none. Owner: the export lcore of its output.
#pragma once

#include <sched.h>

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/counter.h"
#include "exporters/kafka/kafka_producer.h"
#include "exporters/kafka/kafka_records.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/sinks/sink.h"

namespace weir {

struct KafkaSinkOptions {
  std::string who;  // what log lines begin with
  std::string topic;
  KafkaHeaders headers;
  KafkaBatchLimits batch;
  std::vector<std::string> input_names;  // by Event::input
};

class KafkaSink : public Sink, private KafkaListener {
 public:
  // Control thread. An Error is a clause.
  static Result<std::unique_ptr<KafkaSink>> open(std::shared_ptr<const KafkaConf> conf,
                                                 KafkaSinkOptions options);
  ~KafkaSink() override;

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  [[nodiscard]] size_t unsettled() const override { return taken_ - settled_; }
  [[nodiscard]] bool take_break() override;
  [[nodiscard]] std::deque<RefusedRecord>* refusals() override { return &refusals_; }
  bool poll(const Now& now) override;
  void abandon(std::string_view records, size_t sent) override;
  [[nodiscard]] bool up() const noexcept override { return !down_; }
  [[nodiscard]] uint64_t faults() const noexcept override { return faults_; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override;
  // For tests: the mock cluster is reached by it.
  [[nodiscard]] rd_kafka_t* handle() const noexcept { return producer_->handle(); }

 private:
  enum class State : uint8_t {
    open,        // takes records
    failing,     // waits for the reports of all that is under way
    restarting,  // a thread makes another producer
    broken,      // waits for take_break()
    pausing,     // until retry_ns_
  };
  enum class Report : uint8_t { none, delivered, refused, failed };
  // One that is under way, or is done while one before it is not.
  struct UnderWay {
    const char* records = nullptr;
    uint32_t bytes = 0;
    Report report = Report::none;
  };

  KafkaSink(std::shared_ptr<const KafkaConf> conf, KafkaSinkOptions options);
  void on_report(uint64_t number, rd_kafka_resp_err_t error) override;
  void on_error(rd_kafka_resp_err_t error, const char* reason) override;
  void on_statistics(std::string_view json) override;
  bool produce(std::string_view records);
  void settle();
  void refuse(const UnderWay& message);
  void fail(std::string why);
  void restart(uint64_t pause_ns);
  void restarted();
  void log(const std::string& what);
  [[nodiscard]] uint64_t under_way() const noexcept { return next_ - first_; }
  [[nodiscard]] UnderWay& at(uint64_t number) noexcept { return messages_[number & (messages_.size() - 1)]; }

  std::shared_ptr<const KafkaConf> conf_;
  const KafkaSinkOptions options_;
  cpu_set_t home_{};  // where the control thread runs: librdkafka's threads stay off the lcores' CPUs
  std::unique_ptr<KafkaProducer> producer_;  // the thread's of restart_, while that runs
  std::future<std::string> restart_;         // why there is none; empty: there is

  State state_ = State::open;
  bool down_ = false;  // no broker is connected
  uint64_t retry_ns_ = 0;
  uint64_t now_ns_ = 0;

  // A ring: those from first_ to next_, by their numbers.
  std::vector<UnderWay> messages_;
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  uint64_t without_report_ = 0;
  uint64_t taken_ = 0;    // bytes; a break takes it back to settled_
  uint64_t settled_ = 0;  // bytes, from the first on
  std::deque<RefusedRecord> refusals_;

  FaultLog log_;
  uint64_t faults_ = 0;
  uint64_t produced_ = 0;        // messages that this producer was given
  uint64_t retries_before_ = 0;  // of producers before this one
  Counter delivered_;
  Counter refused_;
  Counter failed_;
  Counter queue_full_;
  Counter retries_;
  Counter restarts_;
  Counter in_flight_;  // a level
  std::string never_;
};

}  // namespace weir
