// SyslogFormat: an event as a syslog message whose text is its JSON line: RFC 5424, or RFC 3164 as senders
// have come to write it. Owner: the export lcore of its output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/formats/record_format.h"
#include "exporters/json/json_format.h"
#include "exporters/output_options.h"

namespace weir {

class SyslogFormat : public RecordFormat {
 public:
  // framing: octets or lines. hostname: with what RFC 5424 lets stand there, or empty.
  SyslogFormat(const SyslogFields& fields, SyslogFraming framing, std::string_view hostname,
               std::unique_ptr<JsonFormat> json);

  [[nodiscard]] size_t max_record_bytes() const noexcept override {
    return json_->max_record_bytes() + kMostHead;
  }
  char* write(const Event& event, uint64_t seq, char* out) noexcept override;
  // A message that is longer than max_message is not written.
  [[nodiscard]] Drop why_nothing() const noexcept override { return Drop::refused; }

 private:
  static constexpr size_t kMostHead = 640;

  char* put_time(char* out, const Event& event) noexcept;

  const SyslogProtocol protocol_;
  const bool octets_;
  const size_t max_message_;
  std::string before_time_;
  std::string behind_time_;
  std::unique_ptr<JsonFormat> json_;
  uint64_t kept_second_ = UINT64_MAX;
  std::string kept_text_;  // of that second
};

// Of the system, with nothing in it that RFC 5424 does not let stand there.
std::string syslog_hostname(const std::string& configured);

}  // namespace weir
