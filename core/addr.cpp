#include "core/addr.h"

#include <arpa/inet.h>

#include <bit>
#include <charconv>

namespace weir {
namespace {

char* write_u8(char* out, uint8_t v) noexcept {
  if (v >= 100) {
    *out++ = static_cast<char>('0' + v / 100);
    v = static_cast<uint8_t>(v % 100);
    *out++ = static_cast<char>('0' + v / 10);
  } else if (v >= 10) {
    *out++ = static_cast<char>('0' + v / 10);
  }
  *out++ = static_cast<char>('0' + v % 10);
  return out;
}

char* write_v4(char* out, const uint8_t* b) noexcept {
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *out++ = '.';
    out = write_u8(out, b[i]);
  }
  return out;
}

constexpr auto kHexPairs = [] {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 512> table{};
  for (unsigned i = 0; i < 256; ++i) {
    table[2 * i] = kDigits[i >> 4U];
    table[2 * i + 1] = kDigits[i & 15U];
  }
  return table;
}();

// RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals, becomes "::". By the
// mask of groups that are zero; len 0: no such run.
struct ZeroRun {
  uint8_t at = 0;
  uint8_t len = 0;
};
constexpr auto kZeroRuns = [] {
  std::array<ZeroRun, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    for (unsigned at = 0; at < 8; ++at) {
      unsigned len = 0;
      while (at + len < 8 && (mask >> (at + len) & 1U) != 0) ++len;
      if (len >= 2 && len > table[mask].len)
        table[mask] = {static_cast<uint8_t>(at), static_cast<uint8_t>(len)};
    }
  }
  return table;
}();

// Without leading zeros; writes four bytes.
char* write_group(char* out, const uint8_t* b) noexcept {
  char digits[8] = {};
  std::memcpy(digits, &kHexPairs[2 * size_t{b[0]}], 2);
  std::memcpy(digits + 2, &kHexPairs[2 * size_t{b[1]}], 2);
  const unsigned group = static_cast<unsigned>(b[0]) << 8U | b[1];
  const unsigned skip = static_cast<unsigned>(std::countl_zero(static_cast<uint16_t>(group | 1U))) / 4;
  std::memcpy(out, digits + skip, 4);
  return out + 4 - skip;
}

char* write_groups(char* out, const uint8_t* b, unsigned from, unsigned to) noexcept {
  for (unsigned i = from; i < to; ++i) {
    out = write_group(out, b + size_t{2} * i);
    *out++ = ':';
  }
  return out;
}

char* write_v6(char* out, const uint8_t* b) noexcept {
  unsigned zeros = 0;
  for (unsigned i = 0; i < 8; ++i) zeros |= (b[2 * i] | b[2 * i + 1]) == 0 ? 1U << i : 0U;
  const ZeroRun run = kZeroRuns[zeros];
  if (run.len == 0) return write_groups(out, b, 0, 8) - 1;
  if (run.at == 0) *out++ = ':';
  out = write_groups(out, b, 0, run.at);
  *out++ = ':';
  if (run.at == 0 && run.len == 5 && b[10] == 0xff && b[11] == 0xff) {  // v4-mapped, RFC 5952 section 5
    for (char c : std::string_view("ffff:")) *out++ = c;
    return write_v4(out, b + 12);
  }
  const unsigned after = run.at + unsigned{run.len};
  if (after == 8) return out;
  return write_groups(out, b, after, 8) - 1;
}

Result<Target> parse_host_port(Target target, std::string_view whole, std::string_view rest) {
  const std::string expected =
      "'" + std::string(whole) +
      "' is not HOST:PORT; write for example tcp://127.0.0.1:6000 or tcp://[::1]:6000";
  size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return Error{expected};
  std::string_view host = rest.substr(0, colon);
  std::string_view port = rest.substr(colon + 1);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return Error{expected};
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Error{expected};
  }
  auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), target.port);
  if (ec != std::errc() || end != port.data() + port.size()) return Error{expected};
  target.host = host;
  return target;
}

}  // namespace

IpAddr IpAddr::from_wire(std::span<const uint8_t> wire) noexcept {
  if (wire.size() == 4) return v4(wire.data());
  if (wire.size() == 16) return v6(wire.data());
  return {};
}

char* write_addr(char* out, const IpAddr& addr) noexcept {
  if (addr.len == 4) return write_v4(out, addr.bytes.data());
  if (addr.len == 16) return write_v6(out, addr.bytes.data());
  return out;
}

std::string to_string(const IpAddr& addr) {
  char text[48];
  return {text, write_addr(text, addr)};
}

std::string to_string(const Endpoint& endpoint) {
  std::string text = to_string(endpoint.addr);
  if (endpoint.addr.len == 16) text = "[" + text + "]";
  if (endpoint.has_port) text += ":" + std::to_string(endpoint.port);
  return text;
}

Result<IpAddr> parse_addr(std::string_view text) {
  std::string copy(text);
  std::array<uint8_t, 16> wire{};
  if (inet_pton(AF_INET, copy.c_str(), wire.data()) == 1) return IpAddr::v4(wire.data());
  if (inet_pton(AF_INET6, copy.c_str(), wire.data()) == 1) return IpAddr::v6(wire.data());
  return Error{"'" + copy + "' is not an IPv4 or IPv6 address"};
}

Result<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "-" || text == "stdout:" || text == "stdin:") {
    target.scheme = Target::Scheme::stdio;
    return target;
  }
  if (text == "null:" || text == "null") {
    target.scheme = Target::Scheme::null;
    return target;
  }
  constexpr std::pair<std::string_view, Target::Scheme> kWithPort[] = {
      {"tcp://", Target::Scheme::tcp}, {"tls://", Target::Scheme::tls}, {"udp://", Target::Scheme::udp}};
  for (const auto& [start, scheme] : kWithPort) {
    if (!text.starts_with(start)) continue;
    target.scheme = scheme;
    return parse_host_port(std::move(target), text, text.substr(6));
  }
  std::string_view path = text;
  if (text.starts_with("unix://")) {
    target.scheme = Target::Scheme::unix_stream;
    path = text.substr(7);
  } else if (text.starts_with("unix-dgram://")) {
    target.scheme = Target::Scheme::unix_datagram;
    path = text.substr(13);
  } else if (text.starts_with("file://")) {
    path = text.substr(7);
  } else if (text.find("://") != std::string_view::npos) {
    return Error{
        "'" + std::string(text) +
        "' has an unknown scheme; use tcp://, tls://, udp://, unix://, unix-dgram://, file://, - or null:"};
  }
  if (path.empty()) return Error{"'" + std::string(text) + "' names no path"};
  target.path = path;
  return target;
}

std::string to_string(const Target& target) {
  const bool v6 = target.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + target.host + "]" : target.host;
  switch (target.scheme) {
    case Target::Scheme::tcp:
      return "tcp://" + host + ":" + std::to_string(target.port);
    case Target::Scheme::tls:
      return "tls://" + host + ":" + std::to_string(target.port);
    case Target::Scheme::udp:
      return "udp://" + host + ":" + std::to_string(target.port);
    case Target::Scheme::unix_stream:
      return "unix://" + target.path;
    case Target::Scheme::unix_datagram:
      return "unix-dgram://" + target.path;
    case Target::Scheme::file:
      return "file://" + target.path;
    case Target::Scheme::stdio:
      return "-";
    case Target::Scheme::null:
      return "null:";
  }
  return {};
}

}  // namespace weir
