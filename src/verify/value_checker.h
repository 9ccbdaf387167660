// ValueChecker: holds the members of a line's objects against their rules, every value to its end. Owner:
// LineChecker.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "src/verify/accepted_texts.h"
#include "src/verify/line_fault.h"
#include "src/verify/value_rules.h"

namespace weir {

class ValueChecker {
 public:
  // Before each line. escapes: there is a backslash in it.
  void start(bool escapes) {
    escapes_ = escapes;
    where_.clear();
  }

  // All members of an object. seen: bits of the keys that it has, by their index in the rule. took(index) is
  // called behind each, when text() or number() is its value.
  template <class Took>
  LineFault check_members(const ObjectRule& rule, simdjson::ondemand::object& object, uint64_t& seen,
                          Took&& took);
  // The same for a key that is missing.
  LineFault fail(LineFault fault, std::string_view key);
  LineFault fail(simdjson::error_code error);

  // The last text or the last name's number, as it stands there; the last count.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] uint64_t number() const noexcept { return number_; }
  // What the fault is about: a key as "answers[2].ttl", or what simdjson says.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  using Value = simdjson::ondemand::value;

  LineFault check(const ValueRule& rule, Value& value);
  LineFault take_text(Value& value);
  LineFault check_text(const ValueRule& rule, Value& value);
  LineFault check_number(const ValueRule& rule, Value& value);
  LineFault check_count(const ValueRule& rule, Value& value);
  LineFault check_counts(const ValueRule& rule, Value& value);
  LineFault check_names(const ValueRule& rule, Value& value);
  LineFault check_object(const ObjectRule& rule, uint64_t min, Value& value);
  LineFault check_objects(const ValueRule& rule, Value& value);
  LineFault fail_within(LineFault fault, std::string_view outer);

  bool escapes_ = false;
  std::string_view text_;
  uint64_t number_ = 0;
  std::string where_;
  AcceptedTexts accepted_;
};

// What a result holds, where it stands: simdjson's copies of values took as long as all else here.
template <class T>
T& held_by(simdjson::simdjson_result<T>& result) noexcept {
  T&& held = static_cast<simdjson::simdjson_result<T>&&>(result).value_unsafe();
  return held;
}

// The key's index, the number of keys where it is none of them. `from`: where it stands if keys are in order.
inline size_t index_of(const ObjectRule& rule, simdjson::ondemand::raw_json_string key, size_t from) {
  const size_t count = rule.keys.size();
  size_t i = from < count ? from : 0;
  for (size_t tried = 0; tried < count; ++tried) {
    if (rule.keys[i].key.stands_at(key.raw())) return i;
    if (++i == count) i = 0;
  }
  return count;
}

template <class Took>
LineFault ValueChecker::check_members(const ObjectRule& rule, simdjson::ondemand::object& object,
                                      uint64_t& seen, Took&& took) {
  size_t next = 0;
  for (auto result : object) {
    if (result.error() != simdjson::SUCCESS) return fail(result.error());
    auto& field = held_by(result);
    const simdjson::ondemand::raw_json_string key = field.key();
    const size_t index = index_of(rule, key, next);
    if (index == rule.keys.size()) {
      const std::string_view rest(key.raw(), simdjson::SIMDJSON_PADDING);
      return fail(LineFault::unknown_key, rest.substr(0, rest.find('"')));
    }
    const MemberRule& known = rule.keys[index];
    if ((seen >> index & 1U) != 0) return fail(LineFault::repeated_key, known.key.view());
    seen |= uint64_t{1} << index;
    next = index + 1;
    if (const LineFault fault = check(known.value, field.value()); fault != LineFault::none)
      return fail_within(fault, known.key.view());
    took(index);
  }
  return LineFault::none;
}

}  // namespace weir
