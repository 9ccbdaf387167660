// KafkaFormat: a line of another format, behind a head with the event's key where there is one
// (kafka_records.h). Owner: an export lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "exporters/formats/line_format.h"
#include "exporters/kafka/kafka_records.h"
#include "exporters/kafka/registered_domain.h"
#include "exporters/output_options.h"

namespace weir {

class KafkaFormat : public RecordFormat {
 public:
  // names_input: records say which input they are of. domains: for KafkaKey::domain, else nothing.
  KafkaFormat(std::unique_ptr<LineFormat> lines, KafkaKey key, bool names_input,
              std::shared_ptr<const RegisteredDomain> domains)
      : lines_(std::move(lines)), key_(key), names_input_(names_input), domains_(std::move(domains)) {}

  [[nodiscard]] size_t max_record_bytes() const noexcept override {
    return kKafkaHeadBytes + kMaxKafkaKeyBytes + lines_->max_record_bytes();
  }
  char* write(const Event& event, uint64_t seq, char* out) noexcept override;

 private:
  [[nodiscard]] size_t write_key(const Event& event, char* out) const noexcept;
  [[nodiscard]] size_t write_name_key(const Event& event, char* out) const noexcept;

  std::unique_ptr<LineFormat> lines_;
  KafkaKey key_;
  bool names_input_;
  std::shared_ptr<const RegisteredDomain> domains_;
};

}  // namespace weir
