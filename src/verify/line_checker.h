// LineChecker: is one line a sound JSON line of Weir's (docs/schema.json)? Reads it with simdjson and keeps
// what the ledgers need. One thread.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/json/json_keys.h"
#include "src/verify/line_fault.h"
#include "src/verify/value_checker.h"

namespace weir {

class LineChecker {
 public:
  // partial: lines were written with fields: or omit:, so no key of the line is required.
  explicit LineChecker(bool partial) : partial_(partial) {}

  // `line` has LineBlock::kPadding readable bytes behind it. The views below are valid until the next call.
  LineFault check(std::string_view line);

  [[nodiscard]] std::string_view type() const noexcept { return type_; }
  [[nodiscard]] std::string_view rcode() const noexcept { return rcode_; }
  [[nodiscard]] std::string_view qname() const noexcept { return qname_; }
  // Absent without a lane, too: numbers count within one.
  [[nodiscard]] std::optional<uint64_t> seq() const noexcept;
  [[nodiscard]] uint64_t lane() const noexcept { return lane_; }
  // The key that the fault is about, or what simdjson says.
  [[nodiscard]] const std::string& detail() const noexcept { return values_.where(); }

 private:
  [[nodiscard]] bool has(JsonKey key) const noexcept { return (seen_ & json_key_bit(key)) != 0; }
  LineFault check_members(simdjson::ondemand::document& document);
  void keep(JsonKey key);
  LineFault check_required();

  bool partial_;
  simdjson::ondemand::parser parser_;
  ValueChecker values_;
  uint64_t seen_ = 0;  // bits of keys
  std::string_view type_;
  std::string_view rcode_;
  std::string_view qname_;
  uint64_t seq_ = 0;
  uint64_t lane_ = 0;
};

}  // namespace weir
