#include "src/config/address_overlap.h"

#include <ifaddrs.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/net/addr_prefix.h"
#include "core/net/listen_socket.h"

namespace weir {
namespace {

constexpr IpAddr kAllV4{.bytes = {}, .len = 4};
constexpr IpAddr kAllV6{.bytes = {}, .len = 16};

bool is_tcp(const Target& at) { return at.scheme == Target::Scheme::tcp || at.scheme == Target::Scheme::tls; }

std::string lower(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; });
  return text;
}

// Empty for a name.
std::vector<IpAddr> addresses_of(const std::string& host) {
  if (lower(host) == "localhost") return {*parse_addr("127.0.0.1"), *parse_addr("::1")};
  if (const auto prefix = parse_prefix(host)) return {prefix->addr};  // mapped IPv4 is IPv4
  return {};
}

bool is_loopback(const IpAddr& addr) {
  return parse_prefix("127.0.0.0/8")->holds(addr) || parse_prefix("::1")->holds(addr);
}
bool is_all(const IpAddr& addr) { return addr == kAllV4 || addr == kAllV6; }

// Of one of this machine's interfaces, now.
bool is_own(const IpAddr& addr) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* at = all; at != nullptr && !found; at = at->ifa_next)
    if (at->ifa_addr != nullptr) found = endpoint_of(*at->ifa_addr).addr == addr;
  freeifaddrs(all);
  return found;
}

// A socket on [::] has IPv4's connections, too.
bool one_holds(const IpAddr& listen, const IpAddr& addr) {
  return listen == addr || listen == kAllV6 || (listen == kAllV4 && addr.len == 4);
}

bool same_path(const Target& one, const Target& other) {
  const auto real = [](const std::string& path) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::weakly_canonical(path, error);
    return error ? path : found.string();
  };
  return one.scheme == Target::Scheme::unix_stream && other.scheme == Target::Scheme::unix_stream &&
         real(one.path) == real(other.path);
}

// meet: of an address of each.
template <class Meet>
bool any_meet(const Target& one, const Target& other, const Meet& meet) {
  if (!is_tcp(one) || !is_tcp(other)) return same_path(one, other);
  if (one.port != other.port || one.port == 0) return false;
  if (lower(one.host) == lower(other.host)) return true;
  const std::vector<IpAddr> others = addresses_of(other.host);
  for (const IpAddr& addr : addresses_of(one.host))
    if (std::any_of(others.begin(), others.end(), [&](const IpAddr& at) { return meet(addr, at); }))
      return true;
  return false;
}

}  // namespace

bool listens_overlap(const Target& one, const Target& other) {
  return any_meet(one, other, [](const IpAddr& addr, const IpAddr& at) {
    return one_holds(addr, at) || one_holds(at, addr);
  });
}

bool reaches(const Target& to, const Target& listen) {
  return any_meet(to, listen, [](const IpAddr& addr, const IpAddr& at) {
    if (addr == at) return true;
    if (!is_loopback(addr) && !is_all(addr) && !is_own(addr)) return false;
    return one_holds(at, addr) || (is_all(addr) && is_loopback(at));
  });
}

}  // namespace weir
