// YamlNode: a YAML text as a tree of values with their lines. Bounded: texts over kMostYamlBytes, deep
// nesting, anchors, aliases, tags and further documents are refused, so that no text can cost more than its
// own size.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_faults.h"

namespace weir {

constexpr size_t kMostYamlBytes = 256U << 10U;

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 1;
  std::string text;                // scalar, unquoted
  std::vector<YamlNode> items;     // list
  std::vector<YamlEntry> entries;  // map, in the order of the file; a key that stands twice is a fault

  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
};

struct YamlEntry {
  std::string key;
  int line = 1;
  YamlNode value;
};

// An empty text gives a null node. What is wrong goes to `faults`; the tree then holds what was read before.
YamlNode parse_yaml(std::string_view text, ConfigFaults& faults);

}  // namespace weir
