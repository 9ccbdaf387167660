#include "src/verify/text_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

#include "core/addr.h"
#include "core/dns/edns.h"
#include "core/dns/types.h"

namespace weir {

namespace {

constexpr unsigned kRcodeLimit = 1U << 12U;  // four bits of the header, eight of EDNS

// The number, if the text is what Weir writes for it: no sign, no leading zero, `max` at most.
std::optional<unsigned> decimal(std::string_view text, unsigned max) noexcept {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number > max) return {};
  if (text.size() > 1 && text.front() == '0') return {};
  return number;
}

// Digits of a field of fixed width, known to be digits.
unsigned digits(std::string_view text, size_t at, size_t len) noexcept {
  unsigned number = 0;
  for (const char c : text.substr(at, len)) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

constexpr std::string_view kTimePattern = "0000-00-00T00:00:00.000000000Z";

// Digits where the pattern has zeros, elsewhere the same letter. A fixed number of steps without a branch:
// the compiler makes vectors of them. Precondition: it is as long as the pattern.
bool fits_time_pattern(std::string_view text) noexcept {
  using Letters = std::array<uint8_t, 32>;
  static constexpr auto kLowest = [] {
    Letters lowest{};
    std::ranges::copy(kTimePattern, lowest.begin());
    return lowest;
  }();
  Letters letters{};
  text.copy(reinterpret_cast<char*>(letters.data()), kTimePattern.size());
  uint8_t wrong = 0;
  for (size_t i = 0; i < letters.size(); ++i) {
    const auto above = static_cast<uint8_t>(letters[i] - kLowest[i]);
    wrong |= static_cast<uint8_t>(above > (kLowest[i] == '0' ? 9 : 0));
  }
  return wrong == 0;
}

IpAddr read_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return {};
  std::memcpy(copy.data(), text.data(), text.size());
  const bool v6 = text.find(':') != std::string_view::npos;
  std::array<uint8_t, 16> wire{};
  if (inet_pton(v6 ? AF_INET6 : AF_INET, copy.data(), wire.data()) != 1) return {};
  return v6 ? IpAddr::v6(wire.data()) : IpAddr::v4(wire.data());
}

// The address that the text is, absent where it is none or Weir would write it in another way.
IpAddr written_address(std::string_view text) noexcept {
  const IpAddr addr = read_address(text);
  std::array<char, INET6_ADDRSTRLEN> again{};
  const char* end = write_addr(again.data(), addr);
  return text == std::string_view(again.data(), static_cast<size_t>(end - again.data())) ? addr : IpAddr{};
}

// The text names a number below `limit`, and is what is written for it.
template <class Parse, class Write>
bool names_number(std::string_view text, unsigned limit, Parse parse, Write write) noexcept {
  const auto number = parse(text);
  if (!number || *number >= limit) return false;
  std::array<char, kNameOfNumberRoom> again{};
  const char* end = write(again.data(), *number);
  return text == std::string_view(again.data(), static_cast<size_t>(end - again.data()));
}

}  // namespace

bool is_time(std::string_view text) noexcept {
  if (text.size() != kTimePattern.size() || !fits_time_pattern(text)) return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(digits(text, 0, 4))),
                                         std::chrono::month(digits(text, 5, 2)),
                                         std::chrono::day(digits(text, 8, 2))};
  return date.ok() && digits(text, 11, 2) < 24 && digits(text, 14, 2) < 60 && digits(text, 17, 2) < 60;
}

bool is_address(std::string_view text) noexcept { return written_address(text).present(); }

bool is_peer(std::string_view text) noexcept {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || written_address(text.substr(1, close - 1)).len != 16) return false;
    port = text.substr(close + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    if (written_address(text.substr(0, colon)).len != 4) return false;
    port = text.substr(colon);
  }
  return port.empty() || (port.front() == ':' && decimal(port.substr(1), UINT16_MAX));
}

bool is_name(std::string_view text) noexcept {
  if (!text.ends_with('.')) return false;
  const size_t before = text.find_last_not_of('\\', text.size() - 2);
  const size_t backslashes = text.size() - 2 - before;  // npos + 1 is 0
  return text.size() == 1 || backslashes % 2 == 0;
}

bool is_opcode(std::string_view text) noexcept { return names_number(text, 16, parse_opcode, write_opcode); }
bool is_rcode(std::string_view text) noexcept {
  return names_number(text, kRcodeLimit, parse_rcode, write_rcode);
}
bool is_class(std::string_view text) noexcept {
  return names_number(text, UINT16_MAX + 1, parse_class, write_class);
}
bool is_rr_type(std::string_view text) noexcept {
  return names_number(text, UINT16_MAX + 1, parse_type, write_type);
}

bool is_ecs(std::string_view text) noexcept {
  const size_t first = text.find('/');
  if (first == std::string_view::npos) return false;
  const size_t second = text.find('/', first + 1);
  if (second == std::string_view::npos) return false;
  const IpAddr addr = written_address(text.substr(0, first));
  const unsigned bits = 8U * addr.len;
  return addr.present() && decimal(text.substr(first + 1, second - first - 1), bits) &&
         decimal(text.substr(second + 1), bits);
}

bool is_cookie(std::string_view text) noexcept {
  const size_t bytes = text.size() / 2;
  return is_hex(text) && (bytes == 8 || (bytes >= 16 && bytes <= 40));
}

bool is_hex(std::string_view text) noexcept {
  return text.size() % 2 == 0 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_extended_error(std::string_view text) noexcept {
  for (uint16_t code = 0; !extended_error_name(code).empty(); ++code)
    if (extended_error_name(code) == text) return true;
  return false;
}

}  // namespace weir
