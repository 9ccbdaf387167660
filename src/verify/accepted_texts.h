// AcceptedTexts: short texts that a rule took before, so that it need not look at them again. Lines are much
// alike: types, rcodes, the server's address, times that are there twice. A text has one place and is pushed
// out by another of the same place; it is looked at once more then. Owner: ValueChecker.
#pragma once

#include <emmintrin.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "src/verify/value_rules.h"

namespace weir {

class AcceptedTexts {
 public:
  // Longer ones are not kept.
  static constexpr size_t kMaxLen = 32;

  // The text where rules of one form, or of the same names, keep it.
  class Place {
   public:
    [[nodiscard]] bool holds_it() const noexcept {
      const __m128i same =
          _mm_and_si128(_mm_cmpeq_epi8(at_->low, text_.low), _mm_cmpeq_epi8(at_->high, text_.high));
      return _mm_movemask_epi8(same) == 0xffff && at_->len == text_.len && at_->form == text_.form &&
             at_->names == text_.names;
    }
    void keep() noexcept { *at_ = text_; }

   private:
    friend AcceptedTexts;
    struct Text {
      __m128i low, high;  // zeros behind the text
      uint64_t len;
      TextForm form;
      const std::string_view* names;
    };
    Place(Text text, Text* at) noexcept : text_(text), at_(at) {}

    Text text_;
    Text* at_;
  };

  // Preconditions: kMaxLen at most; so many bytes from its start can be read.
  Place place(const ValueRule& rule, std::string_view text) noexcept {
    const auto load = [](const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); };
    const char* mask = kMask.data() + kMaxLen - text.size();
    const __m128i low = _mm_and_si128(load(text.data()), load(mask));
    const __m128i high = _mm_and_si128(load(text.data() + 16), load(mask + 16));
    const __m128i mixed = _mm_xor_si128(low, _mm_slli_epi64(high, 1));
    uint64_t hash = static_cast<uint64_t>(_mm_cvtsi128_si64(mixed)) * kOdd;
    hash = (hash ^ static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(mixed, mixed)))) * kOdd;
    return {{low, high, text.size(), rule.form, rule.names.data()}, &texts_[hash >> (64 - kBits)]};
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio: Fibonacci hashing

  // From kMaxLen - n on: n bytes that keep what they mask.
  static constexpr auto kMask = [] {
    std::array<char, 2 * kMaxLen> mask{};
    for (size_t i = 0; i < kMaxLen; ++i) mask[i] = static_cast<char>(0xff);
    return mask;
  }();

  std::array<Place::Text, 1U << kBits> texts_{};
};

}  // namespace weir
