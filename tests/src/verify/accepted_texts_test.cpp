#include "src/verify/accepted_texts.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

bool any_text(std::string_view /*text*/) noexcept { return true; }
bool other_text(std::string_view text) noexcept { return !text.empty(); }

// The text with as much behind it as is read.
struct Padded {
  explicit Padded(const std::string& text)
      : bytes(text + std::string(AcceptedTexts::kMaxLen, 'x')), len(text.size()) {}
  [[nodiscard]] std::string_view view() const { return std::string_view(bytes).substr(0, len); }
  std::string bytes;
  size_t len;
};

TEST(AcceptedTexts, HoldATextOfAnyLengthUnderItsRule) {
  AcceptedTexts accepted;
  const ValueRule rule{.form = any_text};
  const ValueRule other{.form = other_text};
  for (size_t len = 0; len <= AcceptedTexts::kMaxLen; ++len) {
    const Padded text(std::string(len, 'a'));
    auto place = accepted.place(rule, text.view());
    EXPECT_FALSE(place.holds_it()) << len;
    place.keep();
    EXPECT_TRUE(accepted.place(rule, text.view()).holds_it()) << len;
    EXPECT_FALSE(accepted.place(other, text.view()).holds_it()) << len;
  }
}

TEST(AcceptedTexts, TellTextsApartByEachByte) {
  AcceptedTexts accepted;
  const ValueRule rule{.form = any_text};
  std::string text = "0123456789abcdef0123456789abcdef";
  accepted.place(rule, Padded(text).view()).keep();
  for (char& c : text) {
    const char was = c;
    c = 'z';
    EXPECT_FALSE(accepted.place(rule, Padded(text).view()).holds_it()) << text;
    c = was;
  }
  // What stands behind a text is not of it, and a zero byte is no end.
  accepted.place(rule, Padded("A").view()).keep();
  EXPECT_FALSE(accepted.place(rule, Padded(std::string("A\0", 2)).view()).holds_it());
}

}  // namespace
}  // namespace weir
