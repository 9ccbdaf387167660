// AddrPrefix and AccessList: who may connect, by address (CIDR, RFC 4632). Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "core/result.h"

namespace weir {

struct AddrPrefix {
  IpAddr addr;
  unsigned bits = 0;

  [[nodiscard]] bool holds(const IpAddr& other) const noexcept;
};
// "192.0.2.0/24", "2001:db8::/32", or an address alone. Bits behind the prefix are refused: they are mostly a
// slip. IPv4 addresses as IPv6 maps them (::ffff:192.0.2.0/120) are IPv4's, as are those of connections.
Result<AddrPrefix> parse_prefix(std::string_view text);

class AccessList {
 public:
  // allow: empty lets everybody in; deny goes first. Each as for parse_prefix().
  static Result<AccessList> parse(const std::vector<std::string>& allow,
                                  const std::vector<std::string>& deny);
  [[nodiscard]] bool lets_in(const IpAddr& addr) const noexcept;

 private:
  std::vector<AddrPrefix> allow_;
  std::vector<AddrPrefix> deny_;
};

}  // namespace weir
