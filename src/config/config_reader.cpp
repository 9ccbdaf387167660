#include "src/config/config_reader.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "src/config/config_check.h"
#include "src/config/nearest_name.h"

namespace weir {
namespace {

std::string child(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::vector<std::string_view> kinds_of(std::string_view list) {
  std::vector<std::string_view> kinds;
  for (const ConfigSection& section : config_sections())
    if (section.list == list && !section.name.empty()) kinds.push_back(section.name);
  return kinds;
}

std::vector<std::string_view> keys_of(const ConfigSection& section) {
  std::vector<std::string_view> keys;
  for (const ConfigKey& key : section.keys) keys.push_back(key.name);
  return keys;
}

std::vector<std::string_view> top_names() {
  std::vector<std::string_view> names = {"inputs", "outputs"};
  for (const ConfigSection& section : config_sections()) {
    if (!section.list.empty()) continue;
    if (!section.name.empty()) names.push_back(section.name);
    if (section.name.empty())
      for (const ConfigKey& key : section.keys) names.push_back(key.name);
  }
  return names;
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

// Where else a key of this name is known: "inputs[].dnstap.listen".
std::string known_elsewhere(std::string_view name) {
  for (const ConfigSection& section : config_sections())
    if (find_key(section, name) != nullptr) return child(section_path(section), name);
  return {};
}

std::string unknown_name(std::string_view name, const std::vector<std::string_view>& known) {
  std::string text = "unknown key";
  if (const std::string_view near = nearest_name(name, known); !near.empty()) {
    text += "; did you mean " + std::string(near) + "?";
  } else if (const std::string elsewhere = known_elsewhere(name); !elsewhere.empty()) {
    text += "; did you mean " + elsewhere + "?";
  }
  return text + (text.back() == '?' ? " Expected one of " : "; expected one of ") + joined(known);
}

}  // namespace

Config ConfigReader::read(const YamlNode& root) {
  if (!root.is_map()) {
    faults_.add(root.is_null() ? 0 : root.line,
                root.is_null()
                    ? "is empty; expected at least inputs and outputs, see docs/configuration.md"
                    : "expected keys such as inputs and outputs at the top, see docs/configuration.md");
    return {};
  }
  const ConfigSection& top = *find_section("", "");
  for (const YamlEntry& entry : root.entries) {
    lines_[entry.key] = entry.line;
    if (entry.key == "inputs" || entry.key == "outputs") {
      read_list(entry);
    } else if (const ConfigKey* key = find_key(top, entry.key)) {
      read_key(*key, entry.key, entry, top.open(config_));
    } else if (const ConfigSection* section = find_section("", entry.key);
               section != nullptr && section != &top) {
      read_section(*section, entry.key, entry);
    } else {
      add(entry.line, entry.key, unknown_name(entry.key, top_names()));
    }
  }
  if (faults_.empty()) check(root);
  number_names(config_);
  return std::move(config_);
}

void ConfigReader::read_list(const YamlEntry& entry) {
  if (!entry.value.is_list()) {
    const std::string first(kinds_of(entry.key).front());
    add(entry.line, entry.key, "expected a list, each item on a line of its own: - " + first + ": { ... }");
    return;
  }
  for (size_t i = 0; i < entry.value.items.size(); ++i)
    read_item(entry.key, entry.key + "[" + std::to_string(i) + "]", entry.value.items[i]);
}

void ConfigReader::read_item(const std::string& list, const std::string& path, const YamlNode& item) {
  const std::vector<std::string_view> kinds = kinds_of(list);
  if (!item.is_map() || item.entries.size() != 1) {
    add(item.line, path,
        "expected one of " + joined(kinds) + " with its keys, such as - " + std::string(kinds.front()) +
            ": { ... }");
    return;
  }
  const YamlEntry& entry = item.entries.front();
  const ConfigSection* section = find_section(list, entry.key);
  if (section == nullptr || section->name.empty()) {
    add(entry.line, child(path, entry.key), unknown_name(entry.key, kinds));
    return;
  }
  lines_[child(path, entry.key)] = entry.line;
  read_section(*section, child(path, entry.key), entry);
}

void ConfigReader::read_section(const ConfigSection& section, const std::string& path,
                                const YamlEntry& entry) {
  if (!entry.value.is_map()) {
    add(entry.line, path,
        "expected its keys, such as { " + std::string(section.keys.front().name) + ": ... }");
    return;
  }
  void* values = section.open(config_);
  std::vector<std::string_view> given;
  for (const YamlEntry& item : entry.value.entries) {
    const std::string key_path = child(path, item.key);
    const ConfigKey* key = find_key(section, item.key);
    if (key == nullptr) {
      add(item.line, key_path, unknown_name(item.key, keys_of(section)));
      continue;
    }
    lines_[key_path] = item.line;
    if (!(key->rule.automatic && item.value.text == "auto")) given.push_back(key->name);
    read_key(*key, key_path, item, values);
  }
  for (const ConfigKey& key : section.keys)
    if (key.required && std::find(given.begin(), given.end(), key.name) == given.end())
      add(entry.line, child(path, key.name), "is missing; expected " + describe_rule(key.rule));
  check_needs(section, path, given);
  if (section.complete != nullptr) section.complete(values, given);
}

// Keys that would be of no effect are mistakes, whatever their value. That neither or both of two keys are
// there is told elsewhere.
void ConfigReader::check_needs(const ConfigSection& section, const std::string& path, GivenKeys given) {
  const auto is_given = [&](std::string_view key) {
    return std::find(given.begin(), given.end(), key) != given.end();
  };
  const auto instead = [&](const ConfigKey& key) -> std::string_view {
    for (const std::string_view other : {"listen", "connect", "to", "interface"})
      if (other != key.only_with && is_given(other)) return other;
    return {};
  };
  for (const std::string_view name : given) {
    const ConfigKey& key = *find_key(section, name);
    if (key.only_with.empty() || is_given(key.only_with)) continue;
    if (const std::string_view other = instead(key); !other.empty())
      add(lines_[child(path, name)], child(path, name),
          "is of no use with " + std::string(other) + ", only with " + std::string(key.only_with) +
              "; remove it");
  }
}

void ConfigReader::read_key(const ConfigKey& key, const std::string& path, const YamlEntry& entry,
                            void* section) {
  const bool wants_list = is_list(key.rule.type);
  const YamlNode& node = entry.value;
  KeyValue value;
  if (wants_list && node.is_list()) {
    for (const YamlNode& item : node.items) {
      const Status appended =
          item.is_scalar()
              ? append_key_value(key.rule, item.text, value)
              : Status(Error{"an element is no plain value; expected " + describe_rule(key.rule)});
      if (!appended) add(item.line, path, appended.error().message);
    }
  } else if (!wants_list && node.is_scalar()) {
    if (key.rule.automatic && node.text == "auto") return;
    auto parsed = parse_key_value(key.rule, node.text);
    if (!parsed) {
      add(entry.line, path, parsed.error().message);
      return;
    }
    value = std::move(*parsed);
  } else {
    constexpr std::string_view kKinds[] = {"nothing", "a plain value", "a list", "a map"};
    add(entry.line, path,
        "has " + std::string(kKinds[static_cast<size_t>(node.kind)]) + "; expected " +
            describe_rule(key.rule));
    return;
  }
  key.store(section, value);
}

// Only when every key by itself is right, so that one mistake is told once.
void ConfigReader::check(const YamlNode& root) {
  const auto tell = [&](const std::string& path, const std::string& message) {
    // The line of the key, or of what it belongs to.
    for (std::string at = path; !at.empty(); at.resize(std::min(at.rfind('.'), at.size()))) {
      if (const auto line = lines_.find(at); line != lines_.end()) return add(line->second, path, message);
      if (at.find('.') == std::string::npos) break;
    }
    add(root.entries.empty() ? 0 : root.line, path, message);
  };
  for (const KeyFault& fault : check_all(config_, part_)) tell(fault.key, fault.message);

  std::set<std::pair<std::string, std::string>> names;  // list and name
  for (const auto& [path, line] : lines_) {
    if (!path.ends_with(".name")) continue;
    const std::string list = path.substr(0, path.find('['));
    const size_t index = std::stoul(path.substr(path.find('[') + 1));
    const auto name_of = [](const auto& item) {
      return std::visit([](const auto& o) { return o.name; }, item);
    };
    const std::string name =
        list == "inputs" ? name_of(config_.inputs[index]) : name_of(config_.outputs[index]);
    if (!names.emplace(list, name).second)
      add(line, path, "'" + name + "' is used twice; metrics could not tell them apart: choose another");
  }
}

}  // namespace weir
