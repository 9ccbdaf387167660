// IP addresses and endpoints as values, and their text.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace weir {

// 4 or 16 bytes in wire order; len 0: absent. Bytes past len are zero, so values compare bytewise.
struct IpAddr {
  std::array<uint8_t, 16> bytes{};
  uint8_t len = 0;

  // Any length but 4 and 16 gives an absent address.
  static IpAddr from_wire(std::span<const uint8_t> wire) noexcept;
  static IpAddr v4(const uint8_t* p) noexcept {
    IpAddr a;
    std::memcpy(a.bytes.data(), p, 4);
    a.len = 4;
    return a;
  }
  static IpAddr v6(const uint8_t* p) noexcept {
    IpAddr a;
    std::memcpy(a.bytes.data(), p, 16);
    a.len = 16;
    return a;
  }
  [[nodiscard]] bool present() const noexcept { return len != 0; }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted <=>
  auto operator<=>(const IpAddr&) const = default;
};

// Address and port. dnstap carries ports as 32-bit numbers, so wider than the wire's 16 bits.
struct Endpoint {
  IpAddr addr;
  bool has_port = false;
  uint32_t port = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted <=>
  auto operator<=>(const Endpoint&) const = default;
};

// Text of an address without port: dotted quad, or RFC 5952 for IPv6 (v4-mapped as ::ffff:192.0.2.1).
// Writes at most 46 bytes at `out`, returns the end; writes nothing for an absent address. Any lcore; hot
// path.
char* write_addr(char* out, const IpAddr& addr) noexcept;
std::string to_string(const IpAddr& addr);
// "192.0.2.1:53", "[2001:db8::1]:53".
std::string to_string(const Endpoint& endpoint);

Result<IpAddr> parse_addr(std::string_view text);

// What stands in `listen:`, `to:` and `connect:`: scheme://rest.
//   tcp://HOST:PORT tls://HOST:PORT udp://HOST:PORT (HOST a name, an IPv4 address or [IPv6]) · unix:///PATH ·
//   unix-dgram:///PATH (datagrams) ·
//   file:///PATH or a bare PATH · - or stdout: (standard output or input) · null:
struct Target {
  enum class Scheme : uint8_t { tcp, tls, udp, unix_stream, unix_datagram, file, stdio, null };
  Scheme scheme = Scheme::file;
  std::string host;   // tcp, tls, udp
  uint16_t port = 0;  // tcp, tls, udp
  std::string path;   // unix_stream, unix_datagram, file
  bool operator==(const Target&) const = default;
};
// Each piece of data is a datagram of its own.
constexpr bool takes_datagrams(const Target& target) noexcept {
  return target.scheme == Target::Scheme::udp || target.scheme == Target::Scheme::unix_datagram;
}
// A process or machine that may come and go, not a file, a standard stream or nothing.
constexpr bool is_peer(const Target& target) noexcept {
  return target.scheme != Target::Scheme::file && target.scheme != Target::Scheme::stdio &&
         target.scheme != Target::Scheme::null;
}
Result<Target> parse_target(std::string_view text);
std::string to_string(const Target& target);

}  // namespace weir
