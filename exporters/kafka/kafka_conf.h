// KafkaConf: the settings of librdkafka that an output `kafka` stands for. Control thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

#include "core/result.h"
#include "exporters/output_options.h"

namespace weir {

class KafkaConf {
 public:
  // Reads the password, and looks at who may read the files with secrets. An Error begins with the key.
  static Result<KafkaConf> make(const KafkaOptions& options);

  // A copy, for one producer. It holds the secrets.
  struct Free {
    void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
  };
  using Copy = std::unique_ptr<rd_kafka_conf_t, Free>;
  [[nodiscard]] Copy copy() const { return Copy(rd_kafka_conf_dup(conf_.get())); }

  // Of a number among them.
  [[nodiscard]] size_t number(const char* setting) const;

 private:
  explicit KafkaConf(Copy conf) : conf_(std::move(conf)) {}
  Copy conf_;
};

}  // namespace weir
