#include "exporters/syslog/syslog_format.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/clock.h"
#include "exporters/json/json_text.h"

namespace weir {
namespace {

// RFC 5424 6: PRINTUSASCII.
std::string printable(std::string_view text, size_t most) {
  std::string kept;
  for (const char c : text)
    if (c > ' ' && c < 127 && kept.size() < most) kept += c;
  return kept;
}

std::string or_nil(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

std::string syslog_hostname(const std::string& configured) {
  if (!configured.empty()) return printable(configured, 255);
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return printable(name.data(), 255);
}

SyslogFormat::SyslogFormat(const SyslogFields& fields, SyslogFraming framing, std::string_view hostname,
                           std::unique_ptr<JsonFormat> json)
    : protocol_(fields.protocol),
      octets_(framing == SyslogFraming::octets),
      max_message_(fields.max_message),
      json_(std::move(json)) {
  const std::string pri = "<" + std::to_string(fields.facility * 8 + fields.severity) + ">";
  const std::string host = or_nil(std::string(hostname));
  const std::string pid = std::to_string(getpid());
  if (protocol_ == SyslogProtocol::rfc5424) {
    before_time_ = pri + "1 ";
    behind_time_ = " " + host + " " + or_nil(printable(fields.app_name, 48)) + " " + pid + " dns - ";
  } else {
    before_time_ = pri;
    behind_time_ = " " + host + " " + or_nil(printable(fields.app_name, 32)) + "[" + pid + "]: ";
  }
}

// UTC in both; RFC 3164's has no zone, and the receiver's own is not known here.
char* SyslogFormat::put_time(char* out, const Event& event) noexcept {
  const uint64_t time_ns = event.has_response_time ? event.response_time_ns
                           : event.has_query_time  ? event.query_time_ns
                                                   : read_clock().wall_ns;
  const uint64_t second = time_ns / kNsPerSec;
  if (second != kept_second_) {
    kept_second_ = second;
    const auto seconds = static_cast<time_t>(second);
    tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 40> text{};
    const char* pattern = protocol_ == SyslogProtocol::rfc5424 ? "%Y-%m-%dT%H:%M:%S." : "%b %e %H:%M:%S";
    kept_text_.assign(text.data(), std::strftime(text.data(), text.size(), pattern, &utc));
  }
  out = put(out, std::string_view(kept_text_));
  if (protocol_ == SyslogProtocol::rfc3164) return out;
  const auto us = static_cast<uint32_t>(time_ns % kNsPerSec / 1'000);
  out = put_2(put_4(out, us / 100), us % 100);
  *out++ = 'Z';
  return out;
}

char* SyslogFormat::write(const Event& event, uint64_t seq, char* out) noexcept {
  // The length stands before the message and is known behind it: there is room for its digits.
  constexpr size_t kDigits = 8;
  char* const message = octets_ ? out + kDigits : out;
  char* at = put(message, std::string_view(before_time_));
  at = put_time(at, event);
  at = put(at, std::string_view(behind_time_));
  char* end = json_->write(event, seq, at);
  if (end == at) return out;
  const auto len = static_cast<size_t>(end - message) - 1;  // without the line's end
  if (len > max_message_) return out;
  if (!octets_) return end;
  char* const first = std::to_chars(out, out + kDigits - 1, len).ptr;
  *first = ' ';
  std::memmove(first + 1, message, len);
  return first + 1 + len;
}

}  // namespace weir
