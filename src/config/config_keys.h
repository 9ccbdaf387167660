// The table of configuration keys: every key once, with its rule, default and help. The reader fills a Config
// by it, docs/configuration.md is held to it by a test.
#pragma once

#include <span>
#include <string_view>

#include "src/config/config.h"
#include "src/config/key_value.h"

namespace weir {

struct ConfigKey {
  std::string_view name;
  KeyRule rule;
  std::string_view default_text;  // as it would stand in the file; empty: none
  std::string_view help;
  void (*store)(void* section, const KeyValue& value);
  bool required = false;
  // The key of the section without which this one is of no use, such as "listen"; empty: there is none.
  std::string_view only_with = {};
};

// Which keys of a section stood in the file.
using GivenKeys = std::span<const std::string_view>;

// A map of keys in the file: one of the inputs' or outputs' kinds, or a section of its own.
struct ConfigSection {
  std::string_view list;  // "inputs", "outputs", or empty
  std::string_view name;  // empty: the top level
  std::string_view help;
  std::span<const ConfigKey> keys;
  // Where the section's values go; of a list: a new item at its end.
  void* (*open)(Config& config);
  // Defaults that depend on other keys of the section; may be null.
  void (*complete)(void* section, GivenKeys given);
};

// In the order of docs/configuration.md.
std::span<const ConfigSection> config_sections();
// list, name as above; nullptr: there is none.
const ConfigSection* find_section(std::string_view list, std::string_view name);
const ConfigKey* find_key(const ConfigSection& section, std::string_view name);
// "inputs[].dnstap", "rings", "" for the top level.
std::string section_path(const ConfigSection& section);

}  // namespace weir
