#include "exporters/kafka/kafka_conf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/secret_file.h"

namespace weir {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

// Sets until something fails; the first fault stays.
class Settings {
 public:
  Settings() : conf_(rd_kafka_conf_new()) {}

  void set(const std::string& key, const char* setting, const std::string& value) {
    if (!fault_.empty()) return;
    std::array<char, 512> why{};
    if (rd_kafka_conf_set(conf_.get(), setting, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
      fault_ = key + ": " + why.data();
  }
  void set_if(const std::string& key, const char* setting, const std::string& value) {
    if (!value.empty()) set(key, setting, value);
  }
  void fail(const Error& error) {
    if (fault_.empty()) fault_ = error.message;
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  KafkaConf::Copy take() { return std::move(conf_); }

 private:
  KafkaConf::Copy conf_;
  std::string fault_;
};

void set_delivery(Settings& settings, const KafkaOptions& options) {
  constexpr std::array kCompressions = {"none", "gzip", "snappy", "lz4", "zstd"};
  constexpr std::array kAcks = {"all", "1", "0"};
  settings.set("brokers", "bootstrap.servers", joined(options.brokers));
  settings.set("name", "client.id", "weir");
  settings.set("idempotent", "enable.idempotence", options.idempotent ? "true" : "false");
  settings.set("acks", "acks", kAcks.at(static_cast<size_t>(options.acks)));
  settings.set("compression", "compression.type", kCompressions.at(static_cast<size_t>(options.compression)));
  // What waits is bounded by the backlog, and given up by `when_full` only.
  settings.set("options", "message.timeout.ms", "0");
  // Whether a broker is connected, and how often it was tried again, is in the statistics only.
  settings.set("options", "statistics.interval.ms", "1000");
}

void set_security(Settings& settings, const KafkaOptions& options) {
  constexpr std::array kMechanisms = {"", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  const bool sasl = options.sasl != KafkaSasl::none;
  const char* const protocol =
      options.tls ? (sasl ? "sasl_ssl" : "ssl") : (sasl ? "sasl_plaintext" : "plaintext");
  settings.set("tls", "security.protocol", protocol);
  const TlsOptions& tls = options.tls_files;
  if (options.tls) {
    settings.set("tls_verify", "enable.ssl.certificate.verification", tls.verify ? "true" : "false");
    settings.set_if("tls_ca", "ssl.ca.location", tls.ca);
    settings.set_if("tls_certificate", "ssl.certificate.location", tls.certificate);
    const std::string& key = tls.key.empty() ? tls.certificate : tls.key;
    settings.set_if("tls_key", "ssl.key.location", key);
    if (!key.empty())
      if (Status usable = check_secret_file(tls.key.empty() ? "tls_certificate" : "tls_key", key); !usable)
        settings.fail(usable.error());
  }
  if (sasl) {
    settings.set("sasl", "sasl.mechanism", kMechanisms.at(static_cast<size_t>(options.sasl)));
    settings.set("user", "sasl.username", options.user);
    const auto password = read_secret_file("password_file", options.password_file);
    if (password)
      settings.set("password_file", "sasl.password", *password);
    else
      settings.fail(password.error());
  }
}

}  // namespace

Result<KafkaConf> KafkaConf::make(const KafkaOptions& options) {
  Settings settings;
  set_delivery(settings, options);
  set_security(settings, options);
  for (const std::string& option : options.options) {
    const size_t equals = std::min(option.find('='), option.size());
    settings.set("options", option.substr(0, equals).c_str(),
                 equals == option.size() ? "" : option.substr(equals + 1));
  }
  if (!settings.fault().empty()) return Error{settings.fault()};
  return KafkaConf(settings.take());
}

size_t KafkaConf::number(const char* setting) const {
  std::array<char, 64> text{};
  size_t size = text.size();
  size_t value = 0;
  if (rd_kafka_conf_get(conf_.get(), setting, text.data(), &size) == RD_KAFKA_CONF_OK && size != 0)
    std::from_chars(text.data(), text.data() + size - 1, value);
  return value;
}

}  // namespace weir
