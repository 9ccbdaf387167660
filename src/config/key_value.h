// KeyValue: the value of one configuration key, read from text by the key's type and range. The same rules
// serve the file and the flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "core/result.h"

namespace weir {

enum class KeyType : uint8_t {
  text,
  name,      // what metrics and lines show
  integer,   //
  octal,     // a file mode
  bytes,     // 1432, 64KiB, 1MiB, 1GiB
  duration,  // 500ms, 10s, 5m, 1h; kept in ms
  boolean,   // true, false
  choice,    // one of `choices`
  target,    // scheme://..., of the schemes in `choices`
  host_port,
  texts,     // a list
  integers,  // a list
  targets,   // a list
};

// What may stand as a key's value. Plain data of the table of keys.
struct KeyRule {
  KeyType type = KeyType::text;
  uint64_t least = 0;  // numbers, bytes, ms; of each element of a list
  uint64_t most = 0;
  std::string_view choices;  // "a|b|c"
  bool automatic = false;    // "auto" stands for leaving the key out
};

struct KeyValue {
  uint64_t number = 0;  // integer, octal, bytes, duration in ms, boolean, index of the choice
  std::string text;
  Target target;
  std::vector<Target> targets;
  std::vector<std::string> texts;
  std::vector<uint64_t> numbers;
};

// `text` as a value of a type that is no list. An Error says what is wrong and what is expected, without the
// key.
Result<KeyValue> parse_key_value(const KeyRule& rule, std::string_view text);
// Whether a value of the type is a list.
bool is_list(KeyType type);
// One more element of a list.
Status append_key_value(const KeyRule& rule, std::string_view text, KeyValue& list);

// "a number from 1 to 64, or auto", "bytes from 1KiB to 16MiB, such as 64KiB", "one of drop, backpressure".
std::string describe_rule(const KeyRule& rule);
// "64KiB", "1432"; "10s", "500ms".
std::string bytes_text(uint64_t bytes);
std::string duration_text(uint64_t ms);

}  // namespace weir
