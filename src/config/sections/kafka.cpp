#include <array>
#include <string_view>

#include "src/config/sections/delivery_keys.h"
#include "src/config/sections/json_keys.h"
#include "src/config/sections/peer_checks.h"
#include "src/config/sections/sections.h"

namespace weir {
namespace {

constexpr std::array<ConfigKey, 19> kKafkaKeys = {{
    {"brokers", of_type(KeyType::texts), "", "Brokers to ask first, HOST:PORT each; they name the others.",
     store<&KafkaOptions::brokers>, true},
    {"topic", of_type(KeyType::text), "", "The topic.", store<&KafkaOptions::topic>, true},
    {"name", of_type(KeyType::name), "kafka", kOutputNameHelp, store<&KafkaOptions::name>},
    {"key", choice("none|client|qname|domain"), "none",
     "The messages' key, by which they go to partitions: the `client`'s address, the `qname`, or its "
     "registered "
     "`domain` by the Public Suffix List; names in lower case, without the dot at the end. With a key each "
     "message is "
     "one event. `none`: librdkafka spreads messages over all partitions.",
     store<&KafkaOptions::key>},
    {"headers", of_type(KeyType::texts), "[]",
     "Headers of each message, NAME=VALUE. The value `{input}` is the name of the event's input; with it "
     "each message "
     "is one event.",
     store<&KafkaOptions::headers>},
    {"batch_events", integer_or_auto(1, 100'000), "auto",
     "At most so many events in a message, a line each. auto: 100, or 1 where each message is one event.",
     store<&KafkaOptions::batch_events>},
    {"batch_bytes", bytes(kKiB, 16 * kMiB), "256KiB",
     "At most so many bytes in a message of several events. A longer event is a message of its own.",
     store<&KafkaOptions::batch_bytes>},
    {"compression", choice("none|gzip|snappy|lz4|zstd"), "none",
     "Of what goes to the broker. It is done by librdkafka, on one thread an export lcore.",
     store<&KafkaOptions::compression>},
    {"acks", choice("all|leader|none"), "all",
     "Who must have a message before it counts as written: `all` replicas in sync, the partition's `leader`, "
     "or "
     "nobody.",
     store<&KafkaOptions::acks>},
    {"idempotent", of_type(KeyType::boolean), "true",
     "What is sent again after a fault of the network is not twice in the topic, and in its order.",
     store<&KafkaOptions::idempotent>},
    {"tls", of_type(KeyType::boolean), "false", "Speak TLS with the brokers.", store<&KafkaOptions::tls>},
    {"tls_certificate", of_type(KeyType::text), "",
     "PEM file with the certificate that Weir shows, and those below it, if the brokers ask for one.",
     store<&KafkaOptions::tls_files, &TlsOptions::certificate>, false, "tls"},
    {"tls_key", of_type(KeyType::text), "",
     "PEM file with its key, which others may not read; without it, the key is in `tls_certificate`.",
     store<&KafkaOptions::tls_files, &TlsOptions::key>, false, "tls"},
    {"tls_ca", of_type(KeyType::text), "", kDialCaHelp, store<&KafkaOptions::tls_files, &TlsOptions::ca>,
     false, "tls"},
    {"tls_verify", of_type(KeyType::boolean), "true",
     "Whether the brokers' certificates are checked, and that they are for the host of the address. Without "
     "it "
     "anybody in between can read and forge.",
     store<&KafkaOptions::tls_files, &TlsOptions::verify>, false, "tls"},
    {"sasl", choice("none|PLAIN|SCRAM-SHA-256|SCRAM-SHA-512"), "none",
     "How Weir says who it is, with `user` and `password_file`.", store<&KafkaOptions::sasl>},
    {"user", of_type(KeyType::text), "", "The user, for `sasl`.", store<&KafkaOptions::user>, false, "sasl"},
    {"password_file", of_type(KeyType::text), "",
     "File whose first line is the user's password, which others may not read.",
     store<&KafkaOptions::password_file>, false, "sasl"},
    {"options", of_type(KeyType::texts), "[]",
     "Other settings of librdkafka, KEY=VALUE each, such as \"linger.ms=50\"; those that other keys stand "
     "for, and "
     "secrets, are refused.",
     store<&KafkaOptions::options>},
}};
constexpr auto kTable = join(kKafkaKeys, json_keys<&KafkaOptions::json>(),
                             waiting_keys<&KafkaOptions::waiting>(), spool_keys<&KafkaOptions::waiting>());

// A backlog for brokers that are away for an hour is none: the street goes on.
void complete_kafka(void* section, GivenKeys given) {
  auto& waiting = static_cast<KafkaOptions*>(section)->waiting;
  if (!has(given, "when_full"))
    waiting.when_full = waiting.spool.path.empty() ? WhenFull::drop_newest : WhenFull::spool;
}

void check_brokers(const KafkaOptions& kafka, Faults& faults) {
  if (kafka.brokers.empty())
    faults.push_back({"brokers", "is empty; expected at least one, such as [\"kafka1.example:9092\"]"});
  for (const std::string& broker : kafka.brokers)
    if (const auto at = parse_key_value(of_type(KeyType::host_port), broker); !at)
      faults.push_back({"brokers", at.error().message});
}

// As Kafka has it.
void check_topic(const std::string& topic, Faults& faults) {
  const bool good = !topic.empty() && topic.size() <= 249 && topic != "." && topic != ".." &&
                    std::all_of(topic.begin(), topic.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '.' || c == '_' || c == '-';
                    });
  if (!good)
    faults.push_back(
        {"topic", "'" + topic + "' is no topic; expected up to 249 letters, digits, '.', '_' and '-'"});
}

void check_messages(const KafkaOptions& kafka, Faults& faults) {
  for (const std::string& header : kafka.headers)
    if (header.find('=') == std::string::npos || header.front() == '=')
      faults.push_back({"headers", "'" + header + "' is no header; expected NAME=VALUE"});
  if (kafka.batch_events > 1 && kafka.one_event_each())
    faults.push_back({"batch_events", std::string("is of no use with ") +
                                          (kafka.names_input() ? "a header {input}" : "a key") +
                                          ": each message is one event; remove one of them"});
  if (kafka.idempotent && kafka.acks != KafkaAcks::all)
    faults.push_back(
        {"acks", "is not possible with idempotent: true, which needs all; add idempotent: false"});
}

void check_security(const KafkaOptions& kafka, Faults& faults) {
  const TlsOptions& tls = kafka.tls_files;
  if (!kafka.tls)
    for (const auto& [key, given] :
         {std::pair{"tls_certificate", !tls.certificate.empty()}, std::pair{"tls_key", !tls.key.empty()},
          std::pair{"tls_ca", !tls.ca.empty()}, std::pair{"tls_verify", !tls.verify}})
      if (given) faults.push_back({key, "is only used with tls: true; write that, or remove it"});
  if (!tls.key.empty() && tls.certificate.empty())
    faults.push_back({"tls_key", "is given without tls_certificate; name the PEM file with the certificate"});
  if (!tls.ca.empty() && !tls.verify)
    faults.push_back({"tls_ca", "is of no use with tls_verify: false; remove one of them"});
  const bool sasl = kafka.sasl != KafkaSasl::none;
  for (const auto& [key, text] :
       {std::pair{"user", &kafka.user}, std::pair{"password_file", &kafka.password_file}}) {
    if (sasl && text->empty()) faults.push_back({key, "is needed with sasl; add it"});
    if (!sasl && !text->empty()) faults.push_back({key, "is only used with sasl; write that, or remove it"});
  }
}

struct Taken {
  std::string_view setting;  // of librdkafka; one that ends with '.' stands for all that begin so
  std::string_view instead;
};
constexpr Taken kTaken[] = {
    {"bootstrap.servers", "write `brokers`"},
    {"metadata.broker.list", "write `brokers`"},
    {"client.id", "it is weir"},
    {"enable.idempotence", "write `idempotent`"},
    {"enable.gapless.guarantee", "Weir sends again itself"},
    {"acks", "write `acks`"},
    {"request.required.acks", "write `acks`"},
    {"compression.type", "write `compression`"},
    {"compression.codec", "write `compression`"},
    {"security.protocol", "write `tls` and `sasl`"},
    {"ssl.", "write tls_ca, tls_certificate, tls_key and tls_verify"},
    {"enable.ssl.certificate.verification", "write tls_verify"},
    {"sasl.", "write sasl, user and password_file"},
    {"message.timeout.ms", "records are given up by `when_full` only"},
    {"delivery.timeout.ms", "records are given up by `when_full` only"},
    {"statistics.interval.ms", "the metrics are made of these"},
    {"transactional.id", "Weir sends no transactions"},
    {"plugin.library.paths", "Weir loads no code"},
    {"delivery.report.only.error", "what is written is counted by the reports"},
    {"enabled_events", "Weir serves none"},
    {"log.queue", "librdkafka's log goes to Weir's"},
};

void check_options(const KafkaOptions& kafka, Faults& faults) {
  for (const std::string& option : kafka.options) {
    const std::string_view setting = std::string_view(option).substr(0, option.find('='));
    if (setting.empty() || setting.size() == option.size())
      faults.push_back({"options", "'" + std::string(setting) + "' is no setting; expected KEY=VALUE"});
    for (const Taken& taken : kTaken)
      if (setting == taken.setting || (taken.setting.ends_with('.') && setting.starts_with(taken.setting)))
        faults.push_back(
            {"options", std::string(setting) + " is not for here: " + std::string(taken.instead)});
  }
}

}  // namespace

const ConfigSection kKafkaSection = {"outputs",
                                     "kafka",
                                     "JSON lines as messages of a Kafka topic, docs/kafka.md.",
                                     kTable,
                                     add_output<KafkaOptions>,
                                     complete_kafka};

Faults check(const KafkaOptions& kafka) {
  Faults faults;
  check_brokers(kafka, faults);
  check_topic(kafka.topic, faults);
  check_messages(kafka, faults);
  check_security(kafka, faults);
  check_options(kafka, faults);
  check_json_fields(kafka.json, faults);
  check_waiting(kafka.waiting, {}, faults);
  return faults;
}

}  // namespace weir
