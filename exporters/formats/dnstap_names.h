// Names of dnstap's enumerations, as dnstap.proto has them. Empty: a number without a name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

template <size_t N>
constexpr std::string_view name_of_number(const std::array<std::string_view, N>& names, int32_t number) {
  return number > 0 && static_cast<size_t>(number) <= N ? names[static_cast<size_t>(number) - 1]
                                                        : std::string_view();
}

// Each starts at number 1.
inline constexpr std::array<std::string_view, 14> kMessageTypes = {
    "AUTH_QUERY",      "AUTH_RESPONSE",   "RESOLVER_QUERY",     "RESOLVER_RESPONSE", "CLIENT_QUERY",
    "CLIENT_RESPONSE", "FORWARDER_QUERY", "FORWARDER_RESPONSE", "STUB_QUERY",        "STUB_RESPONSE",
    "TOOL_QUERY",      "TOOL_RESPONSE",   "UPDATE_QUERY",       "UPDATE_RESPONSE"};
inline constexpr std::array<std::string_view, 2> kSocketFamilies = {"INET", "INET6"};
inline constexpr std::array<std::string_view, 7> kSocketProtocols = {
    "UDP", "TCP", "DOT", "DOH", "DNSCryptUDP", "DNSCryptTCP", "DOQ"};
inline constexpr std::array<std::string_view, 3> kHttpProtocols = {"HTTP1", "HTTP2", "HTTP3"};
inline constexpr std::array<std::string_view, 6> kPolicyActions = {"NXDOMAIN", "NODATA",   "PASS",
                                                                   "DROP",     "TRUNCATE", "LOCAL_DATA"};
inline constexpr std::array<std::string_view, 5> kPolicyMatches = {"QNAME", "CLIENT_IP", "RESPONSE_IP",
                                                                   "NS_NAME", "NS_IP"};

}  // namespace weir
