// docs/metrics.md and the code name the same metrics and the same reasons of drops.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "core/drop.h"
#include "tests/test_data.h"

namespace weir {
namespace {

std::filesystem::path source_root() {
  const char* root = std::getenv("WEIR_SOURCE");
  return root != nullptr ? root : ".";
}

std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

std::set<std::string> found_in(const std::string& text, const std::regex& pattern) {
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    names.insert((*it)[1].str());
  return names;
}

// Every "weir_..." literal of the program is a metric's name.
std::set<std::string> names_in_code() {
  std::set<std::string> names;
  const std::regex literal("\"(weir_[a-z_]+)\"");
  for (const char* wing : {"core", "dataplane", "decoder", "exporters", "src"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source_root() / wing)) {
      const auto extension = entry.path().extension();
      if (extension == ".cpp" || extension == ".h") names.merge(found_in(text_of(entry.path()), literal));
    }
  }
  return names;
}

TEST(MetricsDoc, NamesEveryMetricAndNoOther) {
  const auto documented =
      found_in(text_of(source_root() / "docs/metrics.md"), std::regex("`(weir_[a-z_]+)[`{]"));
  const auto used = names_in_code();
  EXPECT_FALSE(used.empty());
  for (const auto& name : used)
    EXPECT_TRUE(documented.contains(name)) << name << " is not in docs/metrics.md";
  for (const auto& name : documented)
    EXPECT_TRUE(used.contains(name)) << name << " is only in docs/metrics.md";
}

TEST(MetricsDoc, HasARowForEveryDrop) {
  const std::string text = text_of(source_root() / "docs/metrics.md");
  size_t rows = 0;
  for (size_t i = 0; i < kDropCount; ++i) {
    const DropInfo& info = drop_info(static_cast<Drop>(i));
    const std::string row = "\n| `" + std::string(info.name) + "` | " + std::string(to_string(info.stage)) +
                            " | " + std::string(to_string(info.kind)) + " | ";
    EXPECT_NE(text.find(row), std::string::npos) << "no row that starts with" << row;
  }
  for (size_t at = 0; (at = text.find("\n| `", at)) != std::string::npos; ++at)
    if (text.compare(at + 4, 5, "weir_") != 0) ++rows;
  EXPECT_EQ(rows, kDropCount) << "a row for a reason that does not exist";
}

}  // namespace
}  // namespace weir
