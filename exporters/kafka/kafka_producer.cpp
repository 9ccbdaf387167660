#include "exporters/kafka/kafka_producer.h"

#include <spdlog/spdlog.h>
#include <syslog.h>

#include <array>

#include "core/clock.h"

namespace weir {
namespace {

constexpr uint64_t kLogEveryNs = 10 * kNsPerSec;

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaConf& settings,
                                                           const std::string& topic, std::string who,
                                                           KafkaListener& listener,
                                                           const KafkaHeaders& headers) {
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(std::move(who), listener, headers));
  KafkaConf::Copy conf = settings.copy();
  rd_kafka_conf_set_opaque(conf.get(), producer.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    static_cast<KafkaProducer*>(self)->listener_.on_report(reinterpret_cast<uint64_t>(message->_private),
                                                           message->err);
  });
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int error, const char* reason, void* self) {
    static_cast<KafkaProducer*>(self)->listener_.on_error(static_cast<rd_kafka_resp_err_t>(error), reason);
  });
  rd_kafka_conf_set_stats_cb(conf.get(), [](rd_kafka_t*, char* json, size_t len, void* self) {
    static_cast<KafkaProducer*>(self)->listener_.on_statistics({json, len});
    return 0;  // librdkafka frees it
  });
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  std::array<char, 512> why{};
  producer->handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), why.data(), why.size());
  if (producer->handle_ == nullptr) return Error{why.data()};
  (void)conf.release();  // the producer's own
  producer->topic_ = rd_kafka_topic_new(producer->handle_, topic.c_str(), nullptr);
  if (producer->topic_ == nullptr)
    return Error{"topic: '" + topic + "': " + rd_kafka_err2str(rd_kafka_last_error())};
  return producer;
}

KafkaProducer::~KafkaProducer() {
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
  if (handle_ == nullptr) return;
  purge();
  rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

rd_kafka_resp_err_t KafkaProducer::produce(const KafkaMessage& message, std::string_view input,
                                           uint64_t number) noexcept {
  auto* const value = const_cast<char*>(message.value.data());
  auto* const opaque = reinterpret_cast<void*>(number);
  if (headers_.empty()) {
    if (rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, 0, value, message.value.size(), message.key.data(),
                         message.key.size(), opaque) == 0)
      return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
  }
  rd_kafka_headers_t* headers = make_headers(input);
  const rd_kafka_resp_err_t error =
      rd_kafka_producev(handle_, RD_KAFKA_V_RKT(topic_), RD_KAFKA_V_VALUE(value, message.value.size()),
                        RD_KAFKA_V_KEY(message.key.data(), message.key.size()), RD_KAFKA_V_HEADERS(headers),
                        RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  return error;
}

rd_kafka_headers_t* KafkaProducer::make_headers(std::string_view input) const {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(headers_.size());
  for (const auto& [name, text] : headers_) {
    const std::string_view value = text == "{input}" ? input : std::string_view(text);
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

void KafkaProducer::purge() noexcept {
  rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

std::string KafkaProducer::fatal_error() const {
  std::array<char, 512> why{};
  if (rd_kafka_fatal_error(handle_, why.data(), why.size()) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return why.data();
}

// On librdkafka's threads. What an operator has to know comes as an error, too: this is for who looks closer.
void KafkaProducer::on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  auto& self = *static_cast<KafkaProducer*>(rd_kafka_opaque(handle));
  if (level > LOG_WARNING) {
    spdlog::debug("{}: librdkafka {}: {}", self.who_, facility, text);
    return;
  }
  const uint64_t now_ns = read_clock().mono_ns;
  uint64_t next_ns = self.next_log_ns_.load(std::memory_order_relaxed);
  if (now_ns >= next_ns && self.next_log_ns_.compare_exchange_strong(next_ns, now_ns + kLogEveryNs))
    spdlog::warn("{}: librdkafka {}: {}", self.who_, facility, text);
}

}  // namespace weir
