#include "src/config/yaml_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

std::string fault_of(const std::string& text) {
  ConfigFaults faults;
  (void)parse_yaml(text, faults);
  return faults.empty() ? "" : faults.error("f").message;
}

TEST(YamlTree, KeepsLinesAndOrder) {
  ConfigFaults faults;
  const YamlNode root = parse_yaml("a: 1\n\nb:\n  - x\n  - {c: 'd'}\n", faults);
  ASSERT_TRUE(faults.empty());
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[0].key, "a");
  EXPECT_EQ(root.entries[0].line, 1);
  EXPECT_EQ(root.entries[0].value.text, "1");
  EXPECT_EQ(root.entries[1].line, 3);
  const YamlNode& list = root.entries[1].value;
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].text, "x");
  EXPECT_EQ(list.items[1].line, 5);
  EXPECT_EQ(list.items[1].entries.at(0).value.text, "d");
}

TEST(YamlTree, TellsEveryKeyThatStandsTwice) {
  EXPECT_EQ(fault_of("a: 1\nb: {c: 1, c: 2}\na: 2\n"),
            "f:2: c: stands twice in the same place; keep one of them\n"
            "f:3: a: stands twice in the same place; keep one of them");
}

TEST(YamlTree, RefusesWhatCanCostMoreThanItsSize) {
  EXPECT_EQ(fault_of("a: &x [1]\nb: *x\n"),
            "f:1: anchors and aliases (&name, *name) are not taken; write the value out");
  EXPECT_EQ(fault_of("a: !!binary aGk=\n"),
            "f:1: tags (tag:yaml.org,2002:binary) are not taken; write the plain value");
  EXPECT_EQ(fault_of("a: 1\n---\nb: 2\n"), "f:2: a second document starts here; expected one");
  EXPECT_EQ(fault_of("[a, b]: 1\n"), "f:1: a list or map stands as a key; expected a name");
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "- ";
  EXPECT_EQ(fault_of(deep), "f:1: nested deeper than 12 levels; this is no Weir configuration");
  EXPECT_NE(fault_of(std::string(200'000, '[')), "");
  EXPECT_EQ(fault_of("a: " + std::string(5'000, 'x') + "\n"),
            "f:1: a text of more than 1024 bytes; this is no Weir configuration");
  EXPECT_EQ(fault_of("a: 1\nname with a blank: 1\n"), "f:2: no key's name stands here; expected NAME: VALUE");
  EXPECT_EQ(fault_of("a: \"\\e[2J\"\n"), "f:1: a text with control characters; expected plain text");
  std::string many = "a: [";
  for (int i = 0; i < 30'000; ++i) many += "1,";
  EXPECT_EQ(fault_of(many + "]"), "f:1: more than 20000 values; this is no Weir configuration");
}

TEST(YamlTree, SaysWhereATextIsNotYaml) {
  EXPECT_EQ(fault_of("a: 1\nb: [1, 2\n").substr(0, 25), "f:3: is not YAML here: en");
  EXPECT_EQ(fault_of("a: 1\n\tb: 2\n").substr(0, 22), "f:2: is not YAML here:");
  EXPECT_EQ(fault_of("a: \"x\nb: 1\n"), "f:1: a value that starts here ends with a blank; close its quote");
}

}  // namespace
}  // namespace weir
