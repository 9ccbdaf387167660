#include "src/verify/line_checker.h"

#include <initializer_list>

namespace weir {

namespace {

using simdjson::error_code;
using simdjson::ondemand::json_type;
using Value = simdjson::ondemand::value;

enum class Shape : uint8_t {
  text,
  time,            // RFC 3339 with a Z
  count,           // 0 and up
  number,          // signed
  name_or_number,  // a name, or the number where there is none
  texts,           // an array of them
  records,         // an array of RRs
  edns,
  policy,
};

constexpr std::array<Shape, kJsonKeyCount> kShapes = [] {
  std::array<Shape, kJsonKeyCount> shapes{};  // text, where nothing else stands below
  const auto set = [&shapes](Shape shape, std::initializer_list<JsonKey> keys) {
    for (JsonKey key : keys) shapes[static_cast<size_t>(key)] = shape;
  };
  set(Shape::time, {JsonKey::time, JsonKey::query_time, JsonKey::response_time});
  set(Shape::count, {JsonKey::client_port, JsonKey::server_port, JsonKey::id, JsonKey::query_bytes,
                     JsonKey::response_bytes, JsonKey::retransmissions, JsonKey::seq, JsonKey::lane});
  set(Shape::number, {JsonKey::latency_ns});
  set(Shape::name_or_number, {JsonKey::type, JsonKey::family, JsonKey::transport, JsonKey::opcode,
                              JsonKey::rcode, JsonKey::qclass, JsonKey::qtype, JsonKey::http_protocol});
  set(Shape::texts, {JsonKey::flags, JsonKey::cut});
  set(Shape::records, {JsonKey::answers, JsonKey::authority, JsonKey::additional});
  set(Shape::edns, {JsonKey::edns});
  set(Shape::policy, {JsonKey::policy});
  return shapes;
}();

bool is_text(Value& value) {
  std::string_view text;
  return value.get_string().get(text) == simdjson::SUCCESS;
}

bool is_count(Value& value) {
  uint64_t number = 0;
  return value.get_uint64().get(number) == simdjson::SUCCESS;
}

bool is_name_or_number(Value& value) {
  int64_t number = 0;
  return is_text(value) || value.get_int64().get(number) == simdjson::SUCCESS;
}

// "2026-11-21T02:12:00.123456789Z"
bool is_time(Value& value) {
  static constexpr std::string_view kPattern = "0000-00-00T00:00:00.000000000Z";
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS || text.size() != kPattern.size()) return false;
  bool good = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    good &= kPattern[i] == '0' ? digit : text[i] == kPattern[i];
  }
  return good;
}

// Reads any value to its end, so that nothing in it goes unchecked.
bool walk(Value& value) {
  json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case json_type::string:
      return is_text(value);
    case json_type::number: {
      double number = 0;
      return value.get_double().get(number) == simdjson::SUCCESS;
    }
    case json_type::boolean: {
      bool flag = false;
      return value.get_bool().get(flag) == simdjson::SUCCESS;
    }
    case json_type::null:
      return false;  // absent values are left out
    case json_type::array: {
      simdjson::ondemand::array array;
      if (value.get_array().get(array) != simdjson::SUCCESS) return false;
      for (auto element : array) {
        Value inner;
        if (element.get(inner) != simdjson::SUCCESS || !walk(inner)) return false;
      }
      return true;
    }
    case json_type::object: {
      simdjson::ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS) return false;
      for (auto field : object) {
        Value inner;
        if (field.value().get(inner) != simdjson::SUCCESS || !walk(inner)) return false;
      }
      return true;
    }
  }
  return false;
}

bool is_texts(Value& value) {
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto element : array) {
    Value inner;
    if (element.get(inner) != simdjson::SUCCESS || !is_text(inner)) return false;
  }
  return true;
}

// An object whose keys are all among the given ones; check is called with the key's index.
template <size_t N, class Check>
bool is_object_of(Value& value, const std::array<std::string_view, N>& keys, Check&& check) {
  simdjson::ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return false;
  size_t from = 0;  // keys come in the table's order, so the next is found at once
  for (auto field : object) {
    simdjson::ondemand::raw_json_string key;
    Value inner;
    if (field.key().get(key) != simdjson::SUCCESS || field.value().get(inner) != simdjson::SUCCESS)
      return false;
    size_t i = from;
    while (i < N && !key.unsafe_is_equal(keys[i])) ++i;
    if (i == N || !check(i, inner)) return false;
    from = i + 1;
  }
  return true;
}

bool is_records(Value& value) {
  static constexpr std::array<std::string_view, 5> kKeys = {"name", "type", "class", "ttl", "data"};
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto element : array) {
    Value record;
    if (element.get(record) != simdjson::SUCCESS) return false;
    const bool good = is_object_of(record, kKeys, [](size_t i, Value& inner) {
      return i == 3 ? is_count(inner) : is_name_or_number(inner);
    });
    if (!good) return false;
  }
  return true;
}

bool is_policy(Value& value) {
  static constexpr std::array<std::string_view, 5> kKeys = {"type", "rule", "action", "match", "value"};
  return is_object_of(value, kKeys, [](size_t, Value& inner) { return is_name_or_number(inner); });
}

bool is_edns(Value& value) {
  json_type type{};
  return value.type().get(type) == simdjson::SUCCESS && type == json_type::object && walk(value);
}

bool has_shape(Shape shape, Value& value) {
  switch (shape) {
    case Shape::text:
      return is_text(value);
    case Shape::time:
      return is_time(value);
    case Shape::count:
      return is_count(value);
    case Shape::number: {
      int64_t number = 0;
      return value.get_int64().get(number) == simdjson::SUCCESS;
    }
    case Shape::name_or_number:
      return is_name_or_number(value);
    case Shape::texts:
      return is_texts(value);
    case Shape::records:
      return is_records(value);
    case Shape::edns:
      return is_edns(value);
    case Shape::policy:
      return is_policy(value);
  }
  return false;
}

}  // namespace

std::string_view to_string(LineFault fault) noexcept {
  switch (fault) {
    case LineFault::none:
      return "none";
    case LineFault::not_json:
      return "not_json";
    case LineFault::unknown_key:
      return "unknown_key";
    case LineFault::repeated_key:
      return "repeated_key";
    case LineFault::wrong_type:
      return "wrong_type";
    case LineFault::missing_key:
      return "missing_key";
    case LineFault::count_:
      break;
  }
  return "?";
}

LineFault LineChecker::fail(LineFault fault, std::string_view detail) {
  detail_ = detail;
  return fault;
}

LineFault LineChecker::check(std::string_view line) {
  seen_ = 0;
  type_ = rcode_ = qname_ = {};
  seq_.reset();
  lane_ = 0;
  simdjson::ondemand::document document;
  const error_code error =
      parser_.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document);
  if (error != simdjson::SUCCESS) return fail(LineFault::not_json, simdjson::error_message(error));
  if (const LineFault fault = check_members(document); fault != LineFault::none) return fault;
  const char* rest = nullptr;
  if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return fail(LineFault::not_json, "something stands behind the object");
  if (partial_) return LineFault::none;
  const auto has = [this](JsonKey key) { return (seen_ & json_key_bit(key)) != 0; };
  if (!has(JsonKey::type)) return fail(LineFault::missing_key, "type");
  if (!has(JsonKey::time) && (has(JsonKey::query_time) || has(JsonKey::response_time))) {
    return fail(LineFault::missing_key, "time");
  }
  return LineFault::none;
}

LineFault LineChecker::check_members(simdjson::ondemand::document& document) {
  simdjson::ondemand::object object;
  if (const error_code error = document.get_object().get(object); error != simdjson::SUCCESS) {
    return fail(LineFault::not_json, simdjson::error_message(error));
  }
  size_t from = 0;  // keys come in the table's order, so the next is found at once
  for (auto field : object) {
    simdjson::ondemand::raw_json_string key;
    Value value;
    error_code error = field.key().get(key);
    if (error == simdjson::SUCCESS) error = field.value().get(value);
    if (error != simdjson::SUCCESS) return fail(LineFault::not_json, simdjson::error_message(error));
    size_t tried = 0;
    while (tried < kJsonKeyCount && !key.unsafe_is_equal(kJsonKeys[(from + tried) % kJsonKeyCount])) ++tried;
    if (tried == kJsonKeyCount) {
      const std::string_view rest(key.raw(), 64);
      return fail(LineFault::unknown_key, rest.substr(0, rest.find('"')));
    }
    const size_t index = (from + tried) % kJsonKeyCount;
    from = index + 1;
    const auto known = static_cast<JsonKey>(index);
    if ((seen_ & json_key_bit(known)) != 0) return fail(LineFault::repeated_key, kJsonKeys[index]);
    seen_ |= json_key_bit(known);
    if (const LineFault fault = check_value(known, value); fault != LineFault::none) return fault;
  }
  return LineFault::none;
}

LineFault LineChecker::check_value(JsonKey key, Value& value) {
  const auto index = static_cast<size_t>(key);
  bool good = true;
  uint64_t number = 0;
  switch (key) {
    case JsonKey::type:
    case JsonKey::rcode: {
      std::string_view& text = key == JsonKey::type ? type_ : rcode_;
      int64_t unnamed = 0;
      if (value.get_string().get(text) == simdjson::SUCCESS) break;
      good = value.get_int64().get(unnamed) == simdjson::SUCCESS;
      if (good && key == JsonKey::type) {
        type_number_ = std::to_string(unnamed);
        text = type_number_;
      }
      break;
    }
    case JsonKey::qname:
      good = value.get_string().get(qname_) == simdjson::SUCCESS;
      break;
    case JsonKey::seq:
      good = value.get_uint64().get(number) == simdjson::SUCCESS;
      seq_ = number;
      break;
    case JsonKey::lane:
      good = value.get_uint64().get(lane_) == simdjson::SUCCESS;
      break;
    default:
      good = has_shape(kShapes[index], value);
  }
  return good ? LineFault::none : fail(LineFault::wrong_type, kJsonKeys[index]);
}

}  // namespace weir
