// JsonSchema: as much of JSON Schema as docs/schema.json uses, so that tests can hold every line against it.
#pragma once

#include <simdjson.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "tests/test_data.h"

namespace weir {

class JsonSchema {
 public:
  JsonSchema() {
    const char* source = std::getenv("WEIR_SOURCE");
    root_ = parser_.load(std::string(source != nullptr ? source : ".") + "/docs/schema.json");
  }

  [[nodiscard]] simdjson::dom::element root() const { return root_; }
  // Empty: the value is as the schema says.
  std::string fault(simdjson::dom::element value) { return check(value, root_, "line"); }

 private:
  using Element = simdjson::dom::element;

  std::string check(Element value, Element schema, const std::string& path) {
    std::string_view ref;
    if (schema["$ref"].get(ref) == simdjson::SUCCESS) {
      if (std::string wrong = check(value, root_["$defs"][ref.substr(8)], path); !wrong.empty()) return wrong;
    }
    simdjson::dom::array choices;
    if (schema["oneOf"].get(choices) == simdjson::SUCCESS) {
      int matches = 0;
      for (Element choice : choices) matches += check(value, choice, path).empty() ? 1 : 0;
      if (matches != 1) return path + " matches " + std::to_string(matches) + " of its forms";
    }
    Element excluded;
    if (schema["not"].get(excluded) == simdjson::SUCCESS && check(value, excluded, path).empty())
      return path + " has a form that is excluded";
    std::string_view type;
    if (schema["type"].get(type) != simdjson::SUCCESS) return {};
    if (type == "string") return check_string(value, schema, path);
    if (type == "integer") return check_integer(value, schema, path);
    if (type == "boolean") return value.is_bool() ? "" : path + " is not a boolean";
    if (type == "array") return check_array(value, schema, path);
    if (type == "object") return check_object(value, schema, path);
    return path + ": the schema's type '" + std::string(type) + "' is not known here";
  }

  std::string check_string(Element value, Element schema, const std::string& path) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return path + " is not a string";
    simdjson::dom::array names;
    if (schema["enum"].get(names) == simdjson::SUCCESS) {
      bool known = false;
      for (std::string_view name : names) known |= name == text;
      if (!known) return path + ": '" + std::string(text) + "' is not one of the known values";
    }
    std::string_view format;
    if (schema["format"].get(format) == simdjson::SUCCESS && !has_format(text, format))
      return path + ": '" + std::string(text) + "' is no " + std::string(format);
    std::string_view pattern;
    if (schema["pattern"].get(pattern) != simdjson::SUCCESS) return {};
    // Of long text the end will do: std::regex recurses for each character.
    if (text.size() > 2'000) text = text.substr(text.size() - 2'000);
    auto at = patterns_.find(pattern);
    if (at == patterns_.end())
      at = patterns_.emplace(pattern, std::regex(std::string(pattern), std::regex::optimize)).first;
    if (!std::regex_search(text.begin(), text.end(), at->second))
      return path + ": '" + std::string(text) + "' does not match " + std::string(pattern);
    return {};
  }

  // date-time is left to its pattern.
  static bool has_format(std::string_view text, std::string_view format) {
    if (format != "ipv4" && format != "ipv6") return true;
    const auto addr = parse_addr(text);
    return addr && addr->len == (format == "ipv4" ? 4 : 16);
  }

  static std::string check_integer(Element value, Element schema, const std::string& path) {
    if (!value.is_int64() && !value.is_uint64()) return path + " is not an integer";
    int64_t bound = 0;
    const double number = value.is_int64() ? static_cast<double>(value.get_int64().value())
                                           : static_cast<double>(value.get_uint64().value());
    if (schema["minimum"].get(bound) == simdjson::SUCCESS && number < static_cast<double>(bound))
      return path + " is too small";
    if (schema["maximum"].get(bound) == simdjson::SUCCESS && number > static_cast<double>(bound))
      return path + " is too large";
    return {};
  }

  std::string check_array(Element value, Element schema, const std::string& path) {
    simdjson::dom::array items;
    if (value.get(items) != simdjson::SUCCESS) return path + " is not an array";
    if (items.size() < lower_bound(schema, "minItems")) return path + " has too few elements";
    bool unique = false;
    if (schema["uniqueItems"].get(unique) == simdjson::SUCCESS && unique) {
      std::set<std::string> seen;
      for (Element item : items)
        if (!seen.insert(simdjson::minify(item)).second) return path + " has an element twice";
    }
    for (Element item : items)
      if (std::string wrong = check(item, schema["items"], path + "[]"); !wrong.empty()) return wrong;
    return {};
  }

  static size_t lower_bound(Element schema, std::string_view key) {
    uint64_t bound = 0;
    return schema[key].get(bound) == simdjson::SUCCESS ? bound : 0;
  }

  // Keys must also stand in the schema's order, which is the line's.
  std::string check_object(Element value, Element schema, const std::string& path) {
    simdjson::dom::object members;
    if (value.get(members) != simdjson::SUCCESS) return path + " is not an object";
    std::vector<std::string_view> order;
    for (const auto& known : schema["properties"].get_object()) order.push_back(known.key);
    size_t next = 0;
    for (const auto& member : members) {
      while (next < order.size() && order[next] != member.key) ++next;
      if (next++ == order.size())
        return path + "." + std::string(member.key) + " is unknown, double or out of order";
      const std::string wrong =
          check(member.value, schema["properties"][member.key], path + "." + std::string(member.key));
      if (!wrong.empty()) return wrong;
    }
    if (members.size() < lower_bound(schema, "minProperties")) return path + " has too few keys";
    simdjson::dom::array required;
    if (schema["required"].get(required) != simdjson::SUCCESS) return {};
    for (std::string_view key : required)
      if (members[key].error() != simdjson::SUCCESS) return path + "." + std::string(key) + " is missing";
    return {};
  }

  simdjson::dom::parser parser_;
  Element root_;
  std::map<std::string, std::regex, std::less<>> patterns_;
};

}  // namespace weir
