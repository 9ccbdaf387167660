#include "src/verify/value_checker.h"

#include <algorithm>
#include <bit>

namespace weir {

using simdjson::error_code;

LineFault ValueChecker::fail(LineFault fault, std::string_view key) {
  where_ = key;
  return fault;
}

LineFault ValueChecker::fail(error_code error) {
  switch (error) {
    case simdjson::INCORRECT_TYPE:
    case simdjson::NUMBER_ERROR:
      return LineFault::wrong_type;
    case simdjson::NUMBER_OUT_OF_RANGE:
      return LineFault::wrong_value;
    default:
      return fail(LineFault::not_json, simdjson::error_message(error));
  }
}

LineFault ValueChecker::fail_within(LineFault fault, std::string_view outer) {
  if (fault == LineFault::not_json) return fault;
  if (!where_.empty() && where_.front() != '[') where_.insert(0, 1, '.');
  where_.insert(0, outer);
  return fault;
}

LineFault ValueChecker::check(const ValueRule& rule, Value& value) {
  switch (rule.shape) {
    case Shape::text:
    case Shape::name:
      return check_text(rule, value);
    case Shape::name_or_number:
      return value.raw_json_token().front() == '"' ? check_text(rule, value) : check_number(rule, value);
    case Shape::name_list:
      return check_names(rule, value);
    case Shape::count:
      return check_count(rule, value);
    case Shape::count_list:
      return check_counts(rule, value);
    case Shape::signed_number: {
      int64_t number = 0;
      const error_code error = value.get_int64().get(number);
      return error == simdjson::SUCCESS ? LineFault::none : fail(error);
    }
    case Shape::flag: {
      bool flag = false;
      const error_code error = value.get_bool().get(flag);
      return error == simdjson::SUCCESS ? LineFault::none : fail(error);
    }
    case Shape::object:
      return check_object(*rule.object, rule.min, value);
    case Shape::object_list:
      return check_objects(rule, value);
  }
  return LineFault::wrong_type;
}

// Without escapes a text is what stands between the quotes: simdjson has found both, and neither control
// characters nor broken UTF-8 between them. Spaces may follow, up to the next comma or bracket.
LineFault ValueChecker::take_text(Value& value) {
  if (escapes_) {
    const error_code error = value.get_string().get(text_);
    return error == simdjson::SUCCESS ? LineFault::none : fail(error);
  }
  std::string_view token = value.raw_json_token();
  simdjson::ondemand::raw_json_string raw;
  if (const error_code error = value.get_raw_json_string().get(raw); error != simdjson::SUCCESS)
    return fail(error);
  while (token.back() != '"') token.remove_suffix(1);
  text_ = token.substr(1, token.size() - 2);
  return LineFault::none;
}

LineFault ValueChecker::check_text(const ValueRule& rule, Value& value) {
  if (const LineFault fault = take_text(value); fault != LineFault::none) return fault;
  if (rule.form == nullptr && rule.names.empty()) return LineFault::none;
  const auto good = [this, &rule] {
    return rule.form != nullptr ? rule.form(text_) : std::ranges::find(rule.names, text_) != rule.names.end();
  };
  if (text_.size() > AcceptedTexts::kMaxLen) return good() ? LineFault::none : LineFault::wrong_value;
  auto place = accepted_.place(rule, text_);
  if (place.holds_it()) return LineFault::none;
  if (!good()) return LineFault::wrong_value;
  place.keep();
  return LineFault::none;
}

// A number that stands for itself because no name stands for it.
LineFault ValueChecker::check_number(const ValueRule& rule, Value& value) {
  const std::string_view token = value.raw_json_token();
  int64_t number = 0;
  if (const error_code error = value.get_int64().get(number); error != simdjson::SUCCESS) return fail(error);
  if (number < INT32_MIN || number > INT32_MAX) return LineFault::wrong_value;
  if (number > 0 && static_cast<uint64_t>(number) <= rule.numbered) return LineFault::wrong_value;
  text_ = token.substr(0, token.find_first_not_of("-0123456789"));
  return LineFault::none;
}

LineFault ValueChecker::check_count(const ValueRule& rule, Value& value) {
  if (const error_code error = value.get_uint64().get(number_); error != simdjson::SUCCESS)
    return fail(error);
  return number_ >= rule.min && number_ <= rule.max ? LineFault::none : LineFault::wrong_value;
}

LineFault ValueChecker::check_counts(const ValueRule& rule, Value& value) {
  simdjson::ondemand::array array;
  if (const error_code error = value.get_array().get(array); error != simdjson::SUCCESS) return fail(error);
  uint64_t count = 0;
  for (auto element : array) {
    uint64_t number = 0;
    if (const error_code error = element.get_uint64().get(number); error != simdjson::SUCCESS)
      return fail(error);
    if (number > rule.max || ++count > rule.most) return LineFault::wrong_value;
  }
  return count >= rule.min ? LineFault::none : LineFault::wrong_value;
}

LineFault ValueChecker::check_names(const ValueRule& rule, Value& value) {
  simdjson::ondemand::array array;
  if (const error_code error = value.get_array().get(array); error != simdjson::SUCCESS) return fail(error);
  uint64_t count = 0;
  size_t next = 0;
  for (auto element : array) {
    if (element.error() != simdjson::SUCCESS) return fail(element.error());
    if (const LineFault fault = take_text(held_by(element)); fault != LineFault::none) return fault;
    while (next < rule.names.size() && rule.names[next] != text_) ++next;
    if (next++ == rule.names.size()) return LineFault::wrong_value;
    ++count;
  }
  return count >= rule.min ? LineFault::none : LineFault::wrong_value;
}

LineFault ValueChecker::check_object(const ObjectRule& rule, uint64_t min, Value& value) {
  simdjson::ondemand::object object;
  if (const error_code error = value.get_object().get(object); error != simdjson::SUCCESS) return fail(error);
  uint64_t seen = 0;
  if (const LineFault fault = check_members(rule, object, seen, [](size_t) {}); fault != LineFault::none)
    return fault;
  for (size_t i = 0; i < rule.keys.size(); ++i) {
    if (rule.keys[i].required && (seen >> i & 1U) == 0)
      return fail(LineFault::missing_key, rule.keys[i].key.view());
  }
  return static_cast<uint64_t>(std::popcount(seen)) >= min ? LineFault::none : LineFault::wrong_value;
}

LineFault ValueChecker::check_objects(const ValueRule& rule, Value& value) {
  simdjson::ondemand::array array;
  if (const error_code error = value.get_array().get(array); error != simdjson::SUCCESS) return fail(error);
  uint64_t count = 0;
  for (auto element : array) {
    if (element.error() != simdjson::SUCCESS) return fail(element.error());
    if (const LineFault fault = check_object(*rule.object, 0, held_by(element)); fault != LineFault::none)
      return fail_within(fault, "[" + std::to_string(count) + "]");
    ++count;
  }
  return count >= rule.min ? LineFault::none : LineFault::wrong_value;
}

}  // namespace weir
