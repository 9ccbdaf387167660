#include "core/addr.h"

#include <arpa/inet.h>

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

char* write_group(char* out, unsigned g) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  if (g >= 0x1000) *out++ = kHex[g >> 12U];
  if (g >= 0x100) *out++ = kHex[(g >> 8U) & 15U];
  if (g >= 0x10) *out++ = kHex[(g >> 4U) & 15U];
  *out++ = kHex[g & 15U];
  return out;
}

char* write_v6(char* out, const uint8_t* b) noexcept {
  unsigned g[8];
  for (unsigned i = 0; i < 8; ++i) g[i] = static_cast<unsigned>(b[2 * i]) << 8U | b[2 * i + 1];
  // RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals, becomes "::".
  int best = -1;
  int best_len = 1;
  for (int i = 0; i < 8;) {
    int j = i;
    while (j < 8 && g[j] == 0) ++j;
    if (j - i > best_len) {
      best = i;
      best_len = j - i;
    }
    i = j == i ? i + 1 : j;
  }
  const bool mapped = best == 0 && best_len == 5 && g[5] == 0xffff;  // RFC 5952 section 5
  const int end = mapped ? 6 : 8;
  for (int i = 0; i < end; ++i) {
    if (i == best) {
      *out++ = ':';
      *out++ = ':';
      i += best_len - 1;
      continue;
    }
    if (i != 0 && i != best + best_len) *out++ = ':';
    if (best < 0 && i == 0) {
      out = write_group(out, g[0]);
      continue;
    }
    out = write_group(out, g[i]);
  }
  if (mapped) {
    *out++ = ':';
    out = write_v4(out, b + 12);
  }
  return out;
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
  if (text.starts_with("tcp://") || text.starts_with("udp://")) {
    target.scheme = text[0] == 't' ? Target::Scheme::tcp : Target::Scheme::udp;
    return parse_host_port(std::move(target), text, text.substr(6));
  }
  std::string_view path = text;
  if (text.starts_with("unix://")) {
    target.scheme = Target::Scheme::unix_stream;
    path = text.substr(7);
  } else if (text.starts_with("file://")) {
    path = text.substr(7);
  } else if (text.find("://") != std::string_view::npos) {
    return Error{"'" + std::string(text) +
                 "' has an unknown scheme; use tcp://, udp://, unix://, file://, - or null:"};
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
    case Target::Scheme::udp:
      return "udp://" + host + ":" + std::to_string(target.port);
    case Target::Scheme::unix_stream:
      return "unix://" + target.path;
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
