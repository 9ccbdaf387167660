#include "core/net/addr_prefix.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir {
namespace {

bool bit(const IpAddr& addr, unsigned at) noexcept { return (addr.bytes[at / 8] >> (7 - at % 8) & 1U) != 0; }

// RFC 4291 section 2.5.5.2. A shorter prefix that begins so has bits behind its length.
AddrPrefix mapped_to_v4(const AddrPrefix& prefix) noexcept {
  static constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (prefix.addr.len != 16 || prefix.bits < 96 ||
      !std::equal(kMapped.begin(), kMapped.end(), prefix.addr.bytes.begin()))
    return prefix;
  return {IpAddr::v4(prefix.addr.bytes.data() + kMapped.size()), prefix.bits - 96};
}

bool any_holds(const std::vector<AddrPrefix>& prefixes, const IpAddr& addr) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&addr](const AddrPrefix& prefix) { return prefix.holds(addr); });
}

}  // namespace

bool AddrPrefix::holds(const IpAddr& other) const noexcept {
  if (other.len != addr.len) return false;
  if (!std::equal(addr.bytes.begin(), addr.bytes.begin() + bits / 8, other.bytes.begin())) return false;
  for (unsigned at = bits / 8 * 8; at < bits; ++at)
    if (bit(addr, at) != bit(other, at)) return false;
  return true;
}

Result<AddrPrefix> parse_prefix(std::string_view text) {
  const std::string quoted = "'" + std::string(text) + "'";
  const size_t slash = text.find('/');
  auto addr = parse_addr(text.substr(0, slash));
  if (!addr)
    return Error{quoted + " is no address or prefix; write for example 192.0.2.0/24 or 2001:db8::/32"};
  AddrPrefix prefix{*addr, addr->len * 8U};
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, ec] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix.bits);
    if (ec != std::errc() || end != bits.data() + bits.size() || prefix.bits > addr->len * 8U)
      return Error{quoted + ": the prefix's length is a number from 0 to " + std::to_string(addr->len * 8)};
  }
  for (unsigned at = prefix.bits; at < addr->len * 8U; ++at)
    if (bit(*addr, at))
      return Error{quoted + " has bits behind its length; shorten the address or raise the length"};
  return mapped_to_v4(prefix);
}

Result<AccessList> AccessList::parse(const std::vector<std::string>& allow,
                                     const std::vector<std::string>& deny) {
  AccessList list;
  for (const auto& [texts, prefixes] : {std::pair{&allow, &list.allow_}, std::pair{&deny, &list.deny_}}) {
    for (const std::string& text : *texts) {
      auto prefix = parse_prefix(text);
      if (!prefix) return prefix.error();
      prefixes->push_back(*prefix);
    }
  }
  return list;
}

bool AccessList::lets_in(const IpAddr& addr) const noexcept {
  if (any_holds(deny_, addr)) return false;
  return allow_.empty() || any_holds(allow_, addr);
}

}  // namespace weir
