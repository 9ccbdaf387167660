#include "src/verify/line_checker.h"

#include <utility>

namespace weir {

namespace {

using simdjson::error_code;

// Lines with all keys have the second of two where they have the first.
constexpr std::pair<JsonKey, JsonKey> kTogether[] = {{JsonKey::query_time, JsonKey::time},
                                                     {JsonKey::response_time, JsonKey::time},
                                                     {JsonKey::seq, JsonKey::lane},
                                                     {JsonKey::lane, JsonKey::seq}};

}  // namespace

std::optional<uint64_t> LineChecker::seq() const noexcept {
  if (!has(JsonKey::seq) || !has(JsonKey::lane)) return {};
  return seq_;
}

LineFault LineChecker::check(std::string_view line) {
  seen_ = 0;
  type_ = rcode_ = qname_ = {};
  values_.start(line.find('\\') != std::string_view::npos);
  simdjson::ondemand::document document;
  const error_code error =
      parser_.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document);
  if (error != simdjson::SUCCESS) return values_.fail(LineFault::not_json, simdjson::error_message(error));
  if (const LineFault fault = check_members(document); fault != LineFault::none) return fault;
  const char* rest = nullptr;
  if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return values_.fail(LineFault::not_json, "something stands behind the object");
  return partial_ ? LineFault::none : check_required();
}

LineFault LineChecker::check_members(simdjson::ondemand::document& document) {
  simdjson::ondemand::object object;
  if (const error_code error = document.get_object().get(object); error != simdjson::SUCCESS)
    return values_.fail(LineFault::not_json, simdjson::error_message(error));
  return values_.check_members(kLineRule, object, seen_,
                               [this](size_t index) { keep(static_cast<JsonKey>(index)); });
}

void LineChecker::keep(JsonKey key) {
  switch (key) {
    case JsonKey::type:
      type_ = values_.text();
      break;
    case JsonKey::rcode:
      rcode_ = values_.text();
      break;
    case JsonKey::qname:
      qname_ = values_.text();
      break;
    case JsonKey::seq:
      seq_ = values_.number();
      break;
    case JsonKey::lane:
      lane_ = values_.number();
      break;
    default:
      break;
  }
}

LineFault LineChecker::check_required() {
  const auto missing = [this](JsonKey key) {
    return values_.fail(LineFault::missing_key, kJsonKeys[static_cast<size_t>(key)]);
  };
  if (!has(JsonKey::type)) return missing(JsonKey::type);
  for (const auto& [one, other] : kTogether)
    if (has(one) && !has(other)) return missing(other);
  return LineFault::none;
}

}  // namespace weir
