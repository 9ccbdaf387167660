// ConfigReader: a YAML tree into a Config, by the table of keys. Every fault goes to ConfigFaults with its
// line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/config/config_faults.h"
#include "src/config/config_keys.h"
#include "src/config/yaml_tree.h"

namespace weir {

class ConfigReader {
 public:
  ConfigReader(ConfigFaults& faults, ConfigPart part) : faults_(faults), part_(part) {}

  // A Config that may be used if there are no faults after it.
  Config read(const YamlNode& root);

 private:
  void read_list(const YamlEntry& entry);
  void read_item(const std::string& list, const std::string& path, const YamlNode& item);
  void read_section(const ConfigSection& section, const std::string& path, const YamlEntry& entry);
  void read_key(const ConfigKey& key, const std::string& path, const YamlEntry& entry, void* section);
  void check_needs(const ConfigSection& section, const std::string& path, GivenKeys given);
  void check(const YamlNode& root);
  void add(int line, const std::string& path, const std::string& message) {
    faults_.add(line, path + ": " + message);
  }

  ConfigFaults& faults_;
  ConfigPart part_;
  Config config_;
  std::map<std::string, int> lines_;  // where each path was read
};

}  // namespace weir
