#include "exporters/kafka/kafka_sink.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kPauseNs = kNsPerSec;  // after a break
constexpr uint64_t kAbandonNs = 500 * kNsPerMs;
constexpr size_t kMaxUnderWay = 1U << 20U;

// What a broker says of one message and would say of it again.
bool is_refusal(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
         error == RD_KAFKA_RESP_ERR_INVALID_RECORD || error == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

// Messages that librdkafka has written to sockets, those that it wrote again included: the last such number
// of its statistics is the sum over all partitions.
uint64_t transmitted(std::string_view json) {
  constexpr std::string_view kKey = "\"txmsgs\":";
  const size_t at = json.rfind(kKey);
  uint64_t sum = 0;
  if (at != std::string_view::npos)
    std::from_chars(json.data() + at + kKey.size(), json.data() + json.size(), sum);
  return sum;
}

}  // namespace

KafkaSink::KafkaSink(std::shared_ptr<const KafkaConf> conf, KafkaSinkOptions options)
    : conf_(std::move(conf)), options_(std::move(options)) {
  pthread_getaffinity_np(pthread_self(), sizeof home_, &home_);
  // 0 is librdkafka's word for no limit.
  const size_t most = conf_->number("queue.buffering.max.messages");
  messages_.resize(std::bit_ceil(most == 0 ? kMaxUnderWay : std::min(most, kMaxUnderWay)));
}

Result<std::unique_ptr<KafkaSink>> KafkaSink::open(std::shared_ptr<const KafkaConf> conf,
                                                   KafkaSinkOptions options) {
  std::unique_ptr<KafkaSink> sink(new KafkaSink(std::move(conf), std::move(options)));
  const KafkaSinkOptions& known = sink->options_;
  auto producer = KafkaProducer::open(*sink->conf_, known.topic, known.who, *sink, known.headers);
  if (!producer) return producer.error();
  sink->producer_ = std::move(*producer);
  return sink;
}

KafkaSink::~KafkaSink() {
  if (restart_.valid()) restart_.wait();
  producer_.reset();  // while all that it calls is there
}

// While no broker is connected one message is enough to make librdkafka connect; the rest may go to a spool.
size_t KafkaSink::write(std::string_view records, size_t sent, const Now& /*now*/) {
  while (state_ == State::open && sent < records.size() && under_way() < (down_ ? 1 : messages_.size())) {
    const size_t before = taken_;
    if (!produce(records.substr(sent))) break;
    sent += taken_ - before;
  }
  in_flight_.set(under_way());
  return sent;
}

// false: not now.
bool KafkaSink::produce(std::string_view records) {
  const KafkaMessage message = next_kafka_message(records, options_.batch);
  const std::string_view input =
      message.input < options_.input_names.size() ? options_.input_names[message.input] : std::string_view();
  const rd_kafka_resp_err_t error = producer_->produce(message, input, next_);
  Report report = Report::none;
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    queue_full_.add(1);
    return false;
  }
  if (is_refusal(error)) {
    report = Report::refused;
    refused_.add(1);
  } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    fail(rd_kafka_err2str(error));
    return false;
  } else {
    ++without_report_;
    ++produced_;
  }
  at(next_++) = {.records = records.data(), .bytes = static_cast<uint32_t>(message.bytes), .report = report};
  taken_ += message.bytes;
  return true;
}

bool KafkaSink::poll(const Now& now) {
  now_ns_ = now.mono_ns;
  if (state_ == State::restarting) {
    if (restart_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) restarted();
    return false;
  }
  const bool worked = producer_->poll();
  settle();
  if (state_ == State::failing && without_report_ == 0) {
    if (producer_->fatal_error().empty())
      state_ = State::broken;
    else
      restart(0);
  }
  if (state_ == State::pausing && now_ns_ >= retry_ns_) state_ = State::open;
  in_flight_.set(under_way());
  return worked;
}

void KafkaSink::on_report(uint64_t number, rd_kafka_resp_err_t error) {
  --without_report_;
  UnderWay& message = at(number);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    message.report = Report::delivered;
    delivered_.add(1);
    down_ = false;
  } else if (is_refusal(error)) {
    message.report = Report::refused;
    refused_.add(1);
    ++faults_;
    log(std::string("a message was refused: ") + rd_kafka_err2str(error));
  } else {
    message.report = Report::failed;
    failed_.add(1);
    fail(rd_kafka_err2str(error));
  }
}

// What comes before the first that has no good report.
void KafkaSink::settle() {
  while (first_ != next_) {
    const UnderWay& message = at(first_);
    if (message.report != Report::delivered && message.report != Report::refused) break;
    if (message.report == Report::refused) refuse(message);
    settled_ += message.bytes;
    ++first_;
  }
}

void KafkaSink::refuse(const UnderWay& message) {
  std::string_view records(message.records, message.bytes);
  for (uint64_t end = settled_; !records.empty();) {
    const size_t bytes = kafka_record_bytes(records);
    end += bytes;
    refusals_.push_back({.end = end, .reason = Drop::refused});
    records.remove_prefix(bytes);
  }
}

void KafkaSink::fail(std::string why) {
  if (state_ != State::open) return;
  state_ = State::failing;
  ++faults_;
  if (std::string fatal = producer_->fatal_error(); !fatal.empty()) {
    why = std::move(fatal);
    producer_->purge();
  }
  log(why + "; what is not delivered is sent again");
}

bool KafkaSink::take_break() {
  if (state_ != State::broken) return false;
  state_ = State::pausing;
  retry_ns_ = now_ns_ + kPauseNs;
  taken_ = settled_;
  first_ = next_;
  return true;
}

// An idempotent producer that has lost its place takes nothing any more. Making another takes time.
void KafkaSink::restart(uint64_t pause_ns) {
  state_ = State::restarting;
  retries_before_ = retries_.get();
  produced_ = 0;
  restart_ = std::async(std::launch::async, [this, pause_ns] {
    std::this_thread::sleep_for(std::chrono::nanoseconds(pause_ns));
    pthread_setaffinity_np(pthread_self(), sizeof home_, &home_);
    producer_.reset();
    auto producer = KafkaProducer::open(*conf_, options_.topic, options_.who, *this, options_.headers);
    if (!producer) return producer.error().message;
    producer_ = std::move(*producer);
    return std::string();
  });
}

void KafkaSink::restarted() {
  const std::string fault = restart_.get();
  if (fault.empty()) {
    restarts_.add(1);
    state_ = State::broken;
    return;
  }
  ++faults_;
  log(fault);
  restart(kPauseNs);
}

void KafkaSink::on_error(rd_kafka_resp_err_t error, const char* reason) {
  ++faults_;
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) down_ = true;
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    fail(reason);
    return;
  }
  log(reason);
}

void KafkaSink::on_statistics(std::string_view json) {
  if (json.find("\"state\":\"UP\"") != std::string_view::npos) {
    if (down_) log_.over();
    down_ = false;
  }
  // Of those that wait none was written yet: then there are more retries than this shows, until they are.
  const uint64_t sent = transmitted(json);
  if (sent > produced_) retries_.set(std::max(retries_.get(), retries_before_ + sent - produced_));
}

void KafkaSink::log(const std::string& what) {
  if (log_.due(now_ns_)) spdlog::error("{}: {}", options_.who, what);
}

// What is on its way may still come to its end; then it is in the topic, and counted as dropped, too.
void KafkaSink::abandon(std::string_view /*records*/, size_t /*sent*/) {
  if (restart_.valid()) restart_.wait();
  if (!producer_) return;
  producer_->purge();
  for (const uint64_t end = read_clock().mono_ns + kAbandonNs;
       without_report_ != 0 && read_clock().mono_ns < end;)
    producer_->wait(10);
}

void KafkaSink::describe(MetricVisitor& visitor, const Labels& labels) const {
  const auto messages = [&](const char* result, const Counter& count) {
    Labels with = labels;
    with.push_back({"result", result});
    visitor.counter(
        "weir_output_kafka_messages_total",
        "Messages of which Kafka has reported the end. refused: too large for the topic, or not valid; "
        "failed: sent again. The log has the reason.",
        with, static_cast<double>(count.get()));
  };
  messages("delivered", delivered_);
  messages("refused", refused_);
  messages("failed", failed_);
  visitor.gauge(
      "weir_output_kafka_in_flight_messages",
      "Messages that librdkafka has and that are not settled. Staying high: the brokers are slow or away.",
      labels, static_cast<double>(in_flight_.get()));
  visitor.counter("weir_output_kafka_retries_total",
                  "Messages that librdkafka sent again. Growing: brokers change, or the network loses data.",
                  labels, static_cast<double>(retries_.get()));
  visitor.counter("weir_output_kafka_queue_full_total",
                  "Times at which librdkafka's queue had no room; then the backlog fills. Growing: raise "
                  "queue.buffering.max.messages in `options`.",
                  labels, static_cast<double>(queue_full_.get()));
  visitor.counter("weir_output_kafka_restarts_total",
                  "Producers that were made anew after a fatal error. Growing: see the log.", labels,
                  static_cast<double>(restarts_.get()));
}

}  // namespace weir
