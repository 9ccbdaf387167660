#include "src/config/config_keys.h"

#include <array>

#include "src/config/sections/sections.h"

namespace weir {

std::span<const ConfigSection> config_sections() {
  static const std::array kSections = {
      kDnstapInputSection,  kMirrorSection,  kFileSection,  kDirectorySection,  kJsonSection,
      kDnstapOutputSection, kKafkaSection,   kPcapSection,  kStatsdSection,     kSyslogSection,
      kLcoresSection,       kMetricsSection, kMatchSection, kReassemblySection, kRingsSection,
      kEalSection,          kLogSection,     kTopSection,
  };
  return kSections;
}

const ConfigSection* find_section(std::string_view list, std::string_view name) {
  for (const ConfigSection& section : config_sections())
    if (section.list == list && section.name == name) return &section;
  return nullptr;
}

const ConfigKey* find_key(const ConfigSection& section, std::string_view name) {
  for (const ConfigKey& key : section.keys)
    if (key.name == name) return &key;
  return nullptr;
}

std::string section_path(const ConfigSection& section) {
  if (section.list.empty()) return std::string(section.name);
  return std::string(section.list) + "[]." + std::string(section.name);
}

}  // namespace weir