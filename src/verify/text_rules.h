// Texts of the JSON line that have a form of their own (docs/schema.json): times, addresses, names, numbers
// with names. Each says whether the text is one that Weir writes, letter by letter: an address that could be
// shorter is none. Pure.
#pragma once

#include <string_view>

namespace weir {

bool is_time(std::string_view text) noexcept;     // RFC 3339, UTC, nanoseconds
bool is_address(std::string_view text) noexcept;  // IPv4, or IPv6 as RFC 5952 has it
bool is_peer(std::string_view text) noexcept;     // 192.0.2.1:53, [2001:db8::1]:53, with or without a port
bool is_name(std::string_view text) noexcept;     // ends with the root's dot, which no backslash escapes

bool is_opcode(std::string_view text) noexcept;
bool is_rcode(std::string_view text) noexcept;
bool is_class(std::string_view text) noexcept;
bool is_rr_type(std::string_view text) noexcept;

// Of EDNS.
bool is_ecs(std::string_view text) noexcept;             // 192.0.2.0/24/0
bool is_cookie(std::string_view text) noexcept;          // RFC 7873: 8, or 16 to 40 bytes
bool is_hex(std::string_view text) noexcept;             // lower case, whole bytes
bool is_extended_error(std::string_view text) noexcept;  // IANA's name

}  // namespace weir
