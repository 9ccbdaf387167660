#include "src/config/key_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace weir {
namespace {

struct Unit {
  std::string_view text;
  uint64_t factor;
};
constexpr std::array kByteUnits = {Unit{"TiB", uint64_t{1} << 40U}, Unit{"GiB", 1U << 30U},
                                   Unit{"MiB", 1U << 20U}, Unit{"KiB", 1U << 10U}, Unit{"B", 1}};
constexpr std::array kTimeUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};

std::optional<uint64_t> parse_digits(std::string_view text, int base = 10) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value, base);
  if (ec != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

template <size_t N>
std::optional<uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = parse_digits(text.substr(0, digits));
  if (!value) return std::nullopt;
  const auto* unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.text == text.substr(digits); });
  if (unit == units.end() || *value > UINT64_MAX / unit->factor) return std::nullopt;
  return *value * unit->factor;
}

std::optional<uint64_t> parse_number(KeyType type, std::string_view text) {
  switch (type) {
    case KeyType::bytes: {
      const auto plain = parse_digits(text);
      return plain ? plain : parse_with_unit(text, kByteUnits);
    }
    case KeyType::duration:
      return text == "0" ? 0 : parse_with_unit(text, kTimeUnits);
    case KeyType::octal:
      return parse_digits(text, 8);
    default:
      return parse_digits(text);
  }
}

template <size_t N>
std::string with_unit(uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units)
    if (value >= unit.factor && value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string(unit.text);
  return std::to_string(value);
}

std::string octal_text(uint64_t mode) {
  char text[24];
  const auto [end, ec] = std::to_chars(text, text + sizeof text, mode, 8);
  return mode == 0 ? "0" : "0" + std::string(text, end);
}

std::string number_text(KeyType type, uint64_t value) {
  switch (type) {
    case KeyType::bytes:
      return bytes_text(value);
    case KeyType::duration:
      return duration_text(value);
    case KeyType::octal:
      return octal_text(value);
    default:
      return std::to_string(value);
  }
}

template <class Visit>
void for_each_choice(std::string_view choices, Visit&& visit) {
  while (!choices.empty()) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    visit(choices.substr(0, bar));
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
}

std::string choices_text(std::string_view choices) {
  std::string text;
  for_each_choice(choices, [&](std::string_view choice) {
    if (!text.empty()) text += ", ";
    text += choice;
  });
  return text;
}

std::optional<uint64_t> index_of_choice(std::string_view choices, std::string_view text) {
  std::optional<uint64_t> found;
  uint64_t index = 0;
  for_each_choice(choices, [&](std::string_view choice) {
    if (choice == text) found = index;
    ++index;
  });
  return found;
}

std::string_view scheme_text(Target::Scheme scheme) {
  switch (scheme) {
    case Target::Scheme::tcp:
      return "tcp://HOST:PORT";
    case Target::Scheme::tls:
      return "tls://HOST:PORT";
    case Target::Scheme::udp:
      return "udp://HOST:PORT";
    case Target::Scheme::unix_stream:
      return "unix:///PATH";
    case Target::Scheme::unix_datagram:
      return "unix-dgram:///PATH";
    case Target::Scheme::file:
      return "file:///PATH";
    case Target::Scheme::stdio:
      return "\"-\"";
    case Target::Scheme::null:
      return "\"null:\"";
  }
  return {};
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

// What parse_target lets pass and no key takes.
std::string fault_of(const Target& target, std::string_view text) {
  const std::string quoted = "'" + std::string(text) + "'";
  switch (target.scheme) {
    case Target::Scheme::tcp:
    case Target::Scheme::tls:
    case Target::Scheme::udp:
      if (target.host == "*") return quoted + ": for every address write 0.0.0.0 or [::]";
      if (!std::all_of(target.host.begin(), target.host.end(), is_host_char))
        return quoted + ": the host is neither a name nor an address";
      if (target.port == 0) return quoted + ": port 0 is none; choose one from 1 to 65535";
      return {};
    case Target::Scheme::unix_stream:
    case Target::Scheme::unix_datagram:
      if (target.path.front() != '/') return quoted + ": the path is relative; start it with /";
      if (target.path.size() > 107)
        return quoted + ": a UNIX socket's path has at most 107 bytes; shorten it";
      return {};
    case Target::Scheme::file:
      if (target.path.front() != '/') return quoted + ": the path is relative; start it with /";
      if (target.path.back() == '/') return quoted + ": the path names a directory; add the file's name";
      return {};
    case Target::Scheme::stdio:
    case Target::Scheme::null:
      return {};
  }
  return {};
}

Result<KeyValue> parse_target_value(const KeyRule& rule, std::string_view text) {
  const std::string expected = "; expected " + describe_rule(rule);
  auto target = parse_target(text);
  if (!target) return target.error();
  if (!index_of_choice(rule.choices, scheme_text(target->scheme)))
    return Error{"'" + std::string(text) + "' cannot stand here" + expected};
  if (std::string fault = fault_of(*target, text); !fault.empty()) return Error{fault};
  KeyValue value;
  value.target = std::move(*target);
  return value;
}

Result<KeyValue> parse_host_port_value(const KeyRule& rule, std::string_view text) {
  auto target = parse_target("tcp://" + std::string(text));
  if (!target) return Error{"'" + std::string(text) + "' is not HOST:PORT; expected " + describe_rule(rule)};
  if (std::string fault = fault_of(*target, text); !fault.empty()) return Error{fault};
  KeyValue value;
  value.target = std::move(*target);
  return value;
}

bool is_name(std::string_view text) {
  constexpr std::string_view kOthers = "._-";
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

Error not_expected(const KeyRule& rule, std::string_view text) {
  constexpr size_t kShown = 60;
  std::string shown(text.substr(0, kShown));
  if (text.size() > kShown) shown += "...";
  return Error{"'" + shown + "' is not valid; expected " + describe_rule(rule)};
}

}  // namespace

std::string bytes_text(uint64_t bytes) {
  const std::string text = with_unit(bytes, kByteUnits);
  return text.ends_with("iB") ? text : std::to_string(bytes);
}
std::string duration_text(uint64_t ms) { return with_unit(ms, kTimeUnits); }

std::string describe_rule(const KeyRule& rule) {
  const std::string range = rule.most == 0 ? ""
                                           : " from " + number_text(rule.type, rule.least) + " to " +
                                                 number_text(rule.type, rule.most);
  const std::string or_auto = rule.automatic ? ", or auto" : "";
  switch (rule.type) {
    case KeyType::text:
      return "text";
    case KeyType::name:
      return "a name of up to 64 letters, digits, '.', '_' and '-'";
    case KeyType::integer:
      return "a number" + range + or_auto;
    case KeyType::octal:
      return "an octal file mode" + range;
    case KeyType::bytes:
      return "bytes" + range + or_auto + ", such as " +
             bytes_text(std::max<uint64_t>(rule.least, 64U << 10U));
    case KeyType::duration:
      return "a duration" + range + ", such as 10s";
    case KeyType::boolean:
      return "true or false";
    case KeyType::choice:
    case KeyType::target:
      return (rule.choices.find('|') == std::string_view::npos ? "" : "one of ") +
             choices_text(rule.choices) + (rule.automatic ? ", auto" : "");
    case KeyType::host_port:
      return "HOST:PORT, such as 127.0.0.1:9953";
    case KeyType::texts:
      return "a list of texts, such as [a, b]";
    case KeyType::integers:
      return "a list of numbers" + range + ", such as [2, 3]";
    case KeyType::targets:
      return "a list of " + choices_text(rule.choices);
  }
  return {};
}

Result<KeyValue> parse_key_value(const KeyRule& rule, std::string_view text) {
  KeyValue value;
  switch (rule.type) {
    case KeyType::text:
      value.text = text;
      return value;
    case KeyType::name:
      if (!is_name(text)) return not_expected(rule, text);
      value.text = text;
      return value;
    case KeyType::integer:
    case KeyType::octal:
    case KeyType::bytes:
    case KeyType::duration: {
      const auto number = parse_number(rule.type, text);
      if (!number || *number < rule.least || *number > rule.most) return not_expected(rule, text);
      value.number = *number;
      return value;
    }
    case KeyType::boolean:
      if (text != "true" && text != "false") return not_expected(rule, text);
      value.number = text == "true" ? 1 : 0;
      return value;
    case KeyType::choice: {
      const auto index = index_of_choice(rule.choices, text);
      if (!index) return not_expected(rule, text);
      value.number = *index;
      value.text = text;
      return value;
    }
    case KeyType::target:
      return parse_target_value(rule, text);
    case KeyType::host_port:
      return parse_host_port_value(rule, text);
    case KeyType::texts:
    case KeyType::integers:
    case KeyType::targets:
      break;
  }
  return not_expected(rule, text);
}

bool is_list(KeyType type) {
  return type == KeyType::texts || type == KeyType::integers || type == KeyType::targets;
}

Status append_key_value(const KeyRule& rule, std::string_view text, KeyValue& list) {
  if (rule.type == KeyType::texts) {
    if (text.empty()) return Error{"an empty text; expected " + describe_rule(rule)};
    list.texts.emplace_back(text);
    return Ok{};
  }
  if (rule.type == KeyType::targets) {
    auto parsed = parse_target_value(rule, text);
    if (!parsed) return parsed.error();
    list.targets.push_back(std::move(parsed->target));
    return Ok{};
  }
  const auto number = parse_digits(text);
  if (!number || *number < rule.least || *number > rule.most) return not_expected(rule, text);
  list.numbers.push_back(*number);
  return Ok{};
}

}  // namespace weir
