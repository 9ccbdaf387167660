#include "dataplane/directory/state_line.h"

#include <zlib.h>

#include <array>
#include <charconv>

namespace weir {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr size_t kCrcDigits = 8;

std::string crc_of(std::string_view text) {
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  std::string digits;
  for (unsigned shift = 32; shift != 0; shift -= 4) digits += kHex[crc >> (shift - 4) & 15U];
  return digits;
}

std::string_view kind_of(const StateEntry& entry) {
  if (entry.gone) return "gone";
  return entry.failed() ? "failed" : "done";
}

bool stands_for_itself(char c) { return c > ' ' && c <= '~' && c != '\\'; }

std::optional<std::string> unescape(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (stands_for_itself(text[i])) {
      bytes += text[i];
      continue;
    }
    if (text.size() - i < 4 || text[i] != '\\' || text[i + 1] != 'x') return std::nullopt;
    const size_t high = kHex.find(text[i + 2]);
    const size_t low = kHex.find(text[i + 3]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high << 4U | low);
    i += 3;
  }
  return bytes;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What stands before the next space, which goes too.
std::string_view next_word(std::string_view& rest) {
  const size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  return word;
}

}  // namespace

std::string escape_name(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (stands_for_itself(c)) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return text;
}

std::string state_line(const StateEntry& entry) {
  std::string body(kind_of(entry));
  for (const uint64_t value : {entry.id.inode, entry.id.size, entry.id.mtime_ns})
    body += " " + std::to_string(value);
  body += " " + escape_name(entry.name);
  if (entry.failed()) body += " " + escape_name(entry.reason);
  return crc_of(body) + " " + body + "\n";
}

std::optional<StateEntry> parse_state_line(std::string_view line) {
  if (line.size() <= kCrcDigits || line[kCrcDigits] != ' ') return std::nullopt;
  std::string_view rest = line.substr(kCrcDigits + 1);
  if (line.substr(0, kCrcDigits) != crc_of(rest)) return std::nullopt;
  const std::string_view kind = next_word(rest);
  std::array<uint64_t, 3> numbers{};
  for (uint64_t& value : numbers) {
    const auto read = number(next_word(rest));
    if (!read) return std::nullopt;
    value = *read;
  }
  auto name = unescape(next_word(rest));
  auto reason = unescape(next_word(rest));
  if (!name || !reason || name->empty() || !rest.empty()) return std::nullopt;
  StateEntry entry{.id = {.inode = numbers[0], .size = numbers[1], .mtime_ns = numbers[2]},
                   .name = std::move(*name),
                   .reason = std::move(*reason),
                   .gone = kind == "gone"};
  if (kind != kind_of(entry) || (entry.gone && entry.failed())) return std::nullopt;
  return entry;
}

}  // namespace weir
