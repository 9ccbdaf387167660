// LineChecker: is one line a sound JSON line of Weir's (docs/schema.json)? Reads it with simdjson, every
// value to its end, and keeps what the ledgers need. Control thread of `weir verify`.
#pragma once

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/json_keys.h"

namespace weir {

enum class LineFault : uint8_t {
  none,
  not_json,      // does not parse, is not UTF-8, or something stands behind the object
  unknown_key,   // a key that the schema does not have
  repeated_key,  // the same key twice
  wrong_type,    // a value of another type than the schema's, or a time that is none
  missing_key,   // without "type", or without "time" though a time is known
  count_
};
std::string_view to_string(LineFault fault) noexcept;

class LineChecker {
 public:
  // partial: lines were written with fields: or omit:, so none is required.
  explicit LineChecker(bool partial) : partial_(partial) {}

  // `line` has LineReader::kPadding readable bytes behind it. The views below are valid until the next call.
  LineFault check(std::string_view line);

  [[nodiscard]] std::string_view type() const noexcept { return type_; }
  [[nodiscard]] std::string_view rcode() const noexcept { return rcode_; }
  [[nodiscard]] std::string_view qname() const noexcept { return qname_; }
  [[nodiscard]] std::optional<uint64_t> seq() const noexcept { return seq_; }
  [[nodiscard]] uint64_t lane() const noexcept { return lane_; }
  // The key that the fault is about, or what simdjson says.
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

 private:
  using Value = simdjson::ondemand::value;

  LineFault fail(LineFault fault, std::string_view detail);
  LineFault check_members(simdjson::ondemand::document& document);
  LineFault check_value(JsonKey key, Value& value);

  bool partial_;
  simdjson::ondemand::parser parser_;
  uint64_t seen_ = 0;  // bits of keys
  std::string_view type_;
  std::string_view rcode_;
  std::string_view qname_;
  std::optional<uint64_t> seq_;
  uint64_t lane_ = 0;
  std::string type_number_;
  std::string detail_;
};

}  // namespace weir
