// Holds docs/configuration.md to the table of keys, and the documented examples to the reader.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>

#include "src/config/config_keys.h"
#include "tests/test_data.h"

namespace weir {
namespace {

std::string document(const std::string& name) {
  const char* source = std::getenv("WEIR_SOURCE");
  const auto bytes = read_file(std::filesystem::path(source != nullptr ? source : ".") / "docs" / name);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string heading_of(const ConfigSection& section) {
  return section.list.empty() && section.name.empty() ? "### Top level"
                                                      : "### `" + section_path(section) + "`";
}

std::string row_of(const ConfigKey& key) {
  const std::string by_default = key.required               ? "required"
                                 : key.default_text.empty() ? "none"
                                                            : "`" + std::string(key.default_text) + "`";
  // Without the example.
  std::string rule = describe_rule(key.rule);
  rule.resize(std::min(rule.find(", such as"), rule.size()));
  std::replace(rule.begin(), rule.end(), '|', '/');
  return "| `" + std::string(key.name) + "` | " + rule + " | " + by_default + " | " + std::string(key.help) +
         " |";
}

bool is_row(const std::string& line) { return line.starts_with("| `"); }

// What stands below the section's heading.
std::vector<std::string> rows_below(const std::vector<std::string>& lines, const std::string& heading) {
  std::vector<std::string> rows;
  auto at = std::find(lines.begin(), lines.end(), heading);
  if (at == lines.end()) return rows;
  for (++at; at != lines.end() && !at->starts_with("#"); ++at)
    if (is_row(*at)) rows.push_back(*at);
  return rows;
}

TEST(ConfigDocument, HasEveryKeyAndNoOther) {
  const auto lines = lines_of(document("configuration.md"));
  ASSERT_FALSE(lines.empty()) << "docs/configuration.md is not there";
  std::set<std::string> known;
  for (const ConfigSection& section : config_sections()) {
    std::vector<std::string> expected;
    for (const ConfigKey& key : section.keys) expected.push_back(row_of(key));
    known.insert(expected.begin(), expected.end());
    EXPECT_EQ(rows_below(lines, heading_of(section)), expected) << "below " << heading_of(section);
  }
  // Up to the next part, which has tables of flags.
  const auto keys_end = std::find(lines.begin(), lines.end(), "## Flags");
  ASSERT_NE(keys_end, lines.end());
  for (auto line = lines.begin(); line != keys_end; ++line) {
    if (!is_row(*line)) continue;
    EXPECT_TRUE(known.contains(*line)) << *line;
  }
}

// A whole configuration in which `key` of `section` is `value`, or is left out where value is empty.
std::string yaml_with(const ConfigSection& section, const ConfigKey& key, const std::string& value) {
  std::string body = value.empty() ? "" : std::string(key.name) + ": " + value;
  const auto add = [&](const std::string& text) { body += (body.empty() ? "" : ", ") + text; };
  if (section.name == "dnstap") {
    const std::string usual = section.list == "inputs" ? "listen" : "to";
    const bool own = !key.only_with.empty() && key.only_with != "spool";
    add((own ? std::string(key.only_with) : usual) + ": 'unix:///x'");
  }
  if (section.name == "mirror")
    add(key.name == "interface" || key.only_with == "port" ? "port: net_null0" : "interface: eth0");
  if (section.name == "file") add("paths: [x]");
  if (section.name == "directory") add("path: /x");
  if (section.name == "json") add("to: 'tcp://127.0.0.1:1'");
  if (section.name == "kafka") {
    add("brokers: ['127.0.0.1:1'], topic: t");
    if (key.only_with == "tls") add("tls: true");
    if (key.only_with == "sasl") add("sasl: none");
  }
  if (section.name == "pcap") add("to: '-'");
  if (section.name == "statsd") add("to: 'udp://127.0.0.1:1'");
  if (section.name == "metrics") add("listen: '127.0.0.1:1'");
  if (key.only_with == "spool") add("spool: /s");
  const std::string item = std::string(section.name) + ": { " + body + " }";
  std::string yaml = "inputs: [ " + (section.list == "inputs" ? item : "file: { paths: [y] }") + " ]\n";
  yaml += "outputs: [ " + (section.list == "outputs" ? item : "json: { to: 'null:' }") + " ]\n";
  if (section.list.empty()) yaml += section.name.empty() ? body + "\n" : item + "\n";
  return yaml;
}

TEST(ConfigDocument, DefaultsAreWhatTheKeysAreWithoutBeingWritten) {
  for (const ConfigSection& section : config_sections()) {
    for (const ConfigKey& key : section.keys) {
      if (key.required || key.default_text.empty()) continue;
      const auto without = parse_config(yaml_with(section, key, ""), "without");
      const auto with = parse_config(yaml_with(section, key, std::string(key.default_text)), "with");
      const std::string path = section_path(section) + "." + std::string(key.name);
      ASSERT_TRUE(without.ok()) << path << ": " << without.error().message;
      ASSERT_TRUE(with.ok()) << path << ": " << with.error().message;
      EXPECT_TRUE(*without == *with) << path << ": " << key.default_text << " is not the default";
    }
  }
}

TEST(ConfigDocument, ExamplesAreRead) {
  const auto example = parse_config(document("weir.example.yaml"), "docs/weir.example.yaml");
  EXPECT_TRUE(example.ok()) << example.error().message;

  std::string yaml;
  int examples = 0;
  for (const std::string& line : lines_of(document("configuration.md"))) {
    if (line == "```yaml") {
      yaml = " ";
    } else if (line == "```" && !yaml.empty()) {
      const auto config = parse_config(yaml, "docs/configuration.md");
      EXPECT_TRUE(config.ok()) << yaml << config.error().message;
      yaml.clear();
      ++examples;
    } else if (!yaml.empty()) {
      yaml += (yaml == " " ? "" : "\n") + line;
      if (yaml.starts_with(' ')) yaml.erase(0, 1);
    }
  }
  EXPECT_GE(examples, 1);
}

}  // namespace
}  // namespace weir
