// How an output `kafka` is put together. Control thread.
#include <algorithm>
#include <utility>

#include "exporters/json/json_format.h"
#include "exporters/kafka/kafka_conf.h"
#include "exporters/kafka/kafka_format.h"
#include "exporters/kafka/kafka_sink.h"
#include "exporters/record_outputs.h"

namespace weir {
namespace {

constexpr uint32_t kUsualBatch = 100;
// Of a message that has no header and no key: a record batch's and a record's own bytes, rounded up.
constexpr size_t kMessageOverhead = 512;

KafkaHeaders headers_of(const KafkaOptions& options) {
  KafkaHeaders headers;
  for (const std::string& header : options.headers) {
    const size_t equals = std::min(header.find('='), header.size());
    headers.emplace_back(header.substr(0, equals), header.substr(std::min(equals + 1, header.size())));
  }
  return headers;
}

KafkaBatchLimits batch_of(const KafkaOptions& options, const KafkaConf& conf) {
  const size_t most = conf.number("message.max.bytes");
  const uint32_t events = options.batch_events != 0 ? options.batch_events : kUsualBatch;
  return {.events = options.one_event_each() ? 1 : events,
          .bytes = std::min<size_t>(options.batch_bytes, most - std::min(most, kMessageOverhead))};
}

}  // namespace

OptionalPart kafka_part() {
  return {.name = KafkaOptions::kKind, .with = std::string("librdkafka ") + rd_kafka_version_str()};
}

Status check_output(const KafkaOptions& options) {
  const auto conf = KafkaConf::make(options);
  if (!conf) return conf.error();
  return Ok{};
}

Result<Outputs> open_output(const KafkaOptions& options, const OutputContext& context) {
  const auto named = [&](const Error& error) { return Error{options.name + ": " + error.message}; };
  if (Status status = JsonFormat::check(options.json); !status) return named(status.error());
  auto made = KafkaConf::make(options);
  if (!made) return named(made.error());
  const auto conf = std::make_shared<const KafkaConf>(std::move(*made));
  std::shared_ptr<const RegisteredDomain> domains;
  if (options.key == KafkaKey::domain) {
    auto opened = RegisteredDomain::open();
    if (!opened) return named(opened.error());
    domains = std::move(*opened);
  }
  Sinks sinks;
  for (unsigned lcore = 0; lcore < context.export_lcores; ++lcore) {
    auto sink = KafkaSink::open(conf, {.who = "output " + options.name,
                                       .topic = options.topic,
                                       .headers = headers_of(options),
                                       .batch = batch_of(options, *conf),
                                       .input_names = context.input_names});
    if (!sink) return named(sink.error());
    sinks.push_back(std::move(*sink));
  }
  return record_outputs(options.name, options.waiting, std::move(sinks), [&](unsigned lcore) {
    return std::make_unique<KafkaFormat>(
        std::make_unique<JsonFormat>(options.json, context.input_names, lcore), options.key,
        options.names_input(), domains);
  });
}

}  // namespace weir
