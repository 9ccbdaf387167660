// The tables of `weir verify` say what docs/schema.json says.
#include "src/verify/value_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/exporters/json/json_schema.h"

namespace weir {
namespace {

using Element = simdjson::dom::element;
using Names = std::vector<std::string_view>;

struct ValueRulesTest : testing::Test {
  // Follows one $ref.
  Element resolved(Element schema) {
    std::string_view ref;
    return schema["$ref"].get(ref) == simdjson::SUCCESS ? Element(schema_.root()["$defs"][ref.substr(8)])
                                                        : schema;
  }
  static bool has(Element schema, std::string_view key) { return schema[key].error() == simdjson::SUCCESS; }
  static uint64_t number(Element schema, std::string_view key, uint64_t absent) {
    uint64_t value = absent;
    return schema[key].get(value) == simdjson::SUCCESS ? value : absent;
  }
  static Names names(Element schema, std::string_view key) {
    Names all;
    simdjson::dom::array list;
    if (schema[key].get(list) == simdjson::SUCCESS)
      for (std::string_view name : list) all.push_back(name);
    return all;
  }
  static Names names(const ValueRule& rule) { return {rule.names.begin(), rule.names.end()}; }

  void compare(const ObjectRule& rule, Element schema, const std::string& path) {
    Names keys;
    Names required;
    for (const MemberRule& known : rule.keys) {
      keys.push_back(known.key.view());
      if (known.required) required.push_back(known.key.view());
    }
    Names in_schema;
    for (const auto& property : schema["properties"].get_object()) in_schema.push_back(property.key);
    EXPECT_EQ(keys, in_schema) << path;
    EXPECT_EQ(required, names(schema, "required")) << path;
    EXPECT_FALSE(bool(schema["additionalProperties"])) << path;
    for (const MemberRule& known : rule.keys) {
      const std::string_view key = known.key.view();
      compare(known.value, resolved(schema["properties"][key]), path + "." + std::string(key));
    }
  }

  void compare(const ValueRule& rule, Element schema, const std::string& path) {
    const auto type = [&schema] { return std::string_view(schema["type"]); };
    switch (rule.shape) {
      case Shape::text:
        EXPECT_EQ(rule.form != nullptr, has(schema, "pattern") || has(schema, "oneOf")) << path;
        if (!has(schema, "oneOf")) {
          EXPECT_EQ(type(), "string") << path;
        }
        break;
      case Shape::name:
        EXPECT_EQ(names(rule), names(schema, "enum")) << path;
        break;
      case Shape::name_or_number: {
        simdjson::dom::array forms = schema["oneOf"];
        EXPECT_EQ(names(rule), names(forms.at(0), "enum")) << path;
        EXPECT_EQ(std::string_view(forms.at(1)["$ref"]), "#/$defs/enum_number") << path;
        EXPECT_EQ(rule.numbered, number(forms.at(1)["not"], "maximum", 0)) << path;
        break;
      }
      case Shape::name_list:
        EXPECT_EQ(names(rule), names(schema["items"], "enum")) << path;
        EXPECT_EQ(rule.min, number(schema, "minItems", 0)) << path;
        EXPECT_TRUE(bool(schema["uniqueItems"])) << path;
        break;
      case Shape::count:
        EXPECT_EQ(type(), "integer") << path;
        EXPECT_EQ(rule.min, number(schema, "minimum", UINT64_MAX)) << path;
        EXPECT_EQ(rule.max, number(schema, "maximum", UINT64_MAX)) << path;
        break;
      case Shape::count_list:
        EXPECT_EQ(type(), "array") << path;
        EXPECT_EQ(rule.min, number(schema, "minItems", 0)) << path;
        EXPECT_EQ(rule.most, number(schema, "maxItems", 0)) << path;
        EXPECT_EQ(rule.max, number(schema["items"], "maximum", 0)) << path;
        break;
      case Shape::signed_number:
        EXPECT_EQ(type(), "integer") << path;
        EXPECT_FALSE(has(schema, "minimum")) << path;
        break;
      case Shape::flag:
        EXPECT_EQ(type(), "boolean") << path;
        break;
      case Shape::object:
        EXPECT_EQ(type(), "object") << path;
        EXPECT_EQ(rule.min, number(schema, "minProperties", 0)) << path;
        compare(*rule.object, schema, path);
        break;
      case Shape::object_list:
        EXPECT_EQ(type(), "array") << path;
        EXPECT_EQ(rule.min, number(schema, "minItems", 0)) << path;
        compare(*rule.object, resolved(schema["items"]), path + "[]");
        break;
    }
  }

  JsonSchema schema_;
};

TEST_F(ValueRulesTest, AreThoseOfTheSchema) { compare(kLineRule, schema_.root(), "line"); }

}  // namespace
}  // namespace weir
