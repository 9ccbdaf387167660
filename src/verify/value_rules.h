// ValueRule: what the value of a key must be. docs/schema.json as tables that ValueChecker walks; a test
// keeps the two in step.
#pragma once

#include <emmintrin.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

struct ObjectRule;
using TextForm = bool (*)(std::string_view) noexcept;

enum class Shape : uint8_t {
  text,            // of the form that `form` takes, any without
  name,            // one of `names`
  name_or_number,  // one of `names`, or a number of 32 bits that has none there
  name_list,       // an array of `names` in their order, each once at most
  count,           // min to max
  count_list,      // an array of numbers up to `max`
  signed_number,   // of 64 bits
  flag,
  object,       // of the keys of `object`
  object_list,  // an array of them
};

struct ValueRule {
  Shape shape = Shape::text;
  TextForm form = nullptr;
  std::span<const std::string_view> names = {};
  size_t numbered = 0;  // so many of `names`, the first ones, have the numbers 1, 2, …
  size_t most = 0;      // elements of a count_list
  const ObjectRule* object = nullptr;
  uint64_t min = 0;  // of a count; of the elements of an array, the keys of an object
  uint64_t max = UINT64_MAX;
};

// A key with its closing quote: compared 16 bytes at a time.
struct KeyText {
  template <size_t N>
  constexpr KeyText(const char (&key)[N]) : len(N - 1) {
    static_assert(N <= sizeof text);
    std::copy_n(key, N - 1, text);
    text[N - 1] = '"';
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, len}; }
  // Precondition: 16 bytes from `raw` on can be read.
  [[nodiscard]] bool stands_at(const char* raw) const noexcept {
    const auto load = [](const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
    const auto same = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(raw), load(text))));
    const unsigned wanted = (2U << len) - 1;
    return (same & wanted) == wanted;
  }

  char text[16] = {};
  size_t len;
};

struct MemberRule {
  KeyText key;
  ValueRule value;
  bool required = false;
};

// Keys stand in the order in which Weir writes them: the next is found at once.
struct ObjectRule {
  std::span<const MemberRule> keys;
};

// The line itself: kJsonKeys. None is required, for any may be left out by `fields` and `omit`.
extern const ObjectRule kLineRule;

}  // namespace weir
