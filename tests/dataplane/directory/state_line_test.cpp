#include "dataplane/directory/state_line.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::optional<StateEntry> again(const StateEntry& entry) {
  const std::string line = state_line(entry);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  return parse_state_line(line.substr(0, line.size() - 1));
}

TEST(StateLine, IsReadBackWhateverTheNameIs) {
  std::string all;
  for (int c = 1; c < 256; ++c)
    if (c != '/') all += static_cast<char>(c);
  for (const std::string& name : {std::string("a.fstrm"), std::string("a b\n.pcap"), std::string("\\x41"),
                                  std::string("\xff\xfe"), all}) {
    const StateEntry done{.id = {1, 2, 3}, .name = name, .reason = {}};
    const StateEntry failed{.id = {~0ULL, ~0ULL, ~0ULL}, .name = name, .reason = "why\n" + name};
    const StateEntry gone{.id = {1, 2, 3}, .name = name, .reason = {}, .gone = true};
    EXPECT_EQ(again(gone), gone);
    EXPECT_EQ(again(done), done);
    EXPECT_EQ(again(failed), failed);
    EXPECT_TRUE(failed.failed() && !done.failed());
  }
}

TEST(StateLine, EveryChangedByteIsNoticed) {
  const std::string whole =
      state_line({.id = {17, 4'096, 1'795'592'205'512'283'007}, .name = "a b", .reason = "x"});
  const std::string line = whole.substr(0, whole.size() - 1);
  for (size_t i = 0; i < line.size(); ++i) {
    EXPECT_FALSE(parse_state_line(line.substr(0, i))) << i;
    std::string changed = line;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(parse_state_line(changed)) << changed;
  }
  EXPECT_FALSE(parse_state_line(line + " "));
}

TEST(StateLine, NamesAreOneWord) {
  EXPECT_EQ(escape_name("a b\\\n\xc3"), "a\\x20b\\x5c\\x0a\\xc3");
  EXPECT_EQ(escape_name("2026-11-25T00:00.fstrm.gz"), "2026-11-25T00:00.fstrm.gz");
}

}  // namespace
}  // namespace weir
