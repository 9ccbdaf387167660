// DnstapFormat: one event as dnstap data frames of Frame Streams. What came in as dnstap goes out byte for
// byte, unless a field is told to be written anew, a pair as the two frames that it came in; of mirrored
// traffic, a query and a response are made into a message each, so a transaction is two frames.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dnstap.pb.h"
#include "core/result.h"
#include "exporters/formats/field_template.h"
#include "exporters/formats/record_format.h"
#include "exporters/output_options.h"

namespace weir {

class DnstapFormat : public RecordFormat {
 public:
  // A sentence about the templates when they cannot be written.
  static Status check(const DnstapFields& fields);
  // Precondition: check(fields). input_names: by Event::input. max_event_bytes: no event is longer.
  DnstapFormat(const DnstapFields& fields, const std::vector<std::string>& input_names,
               size_t max_event_bytes);

  [[nodiscard]] size_t max_record_bytes() const noexcept override { return max_record_bytes_; }
  char* write(const Event& event, uint64_t seq, char* out) noexcept override;

 private:
  char* write_message(const Event& event, bool response, char* out);
  char* write_payload(const Event& event, std::span<const uint8_t> payload, char* out);
  void put_fields(const Event& event, dnstap::Dnstap& to);

  const DnstapAs as_;
  const FieldTemplate identity_;
  const FieldTemplate version_;
  const FieldTemplate extra_;
  const bool untouched_;  // no field is written anew
  const std::vector<std::string> input_names_;
  const size_t max_record_bytes_;
  dnstap::Dnstap made_;  // reused, for its memory
  dnstap::Dnstap read_;
  std::string values_[3];
};

}  // namespace weir
