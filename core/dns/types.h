// Names of RR types, classes, rcodes and opcodes (IANA's registries of DNS parameters), both ways. Numbers
// without a name read TYPE4711, CLASS4711 (RFC 3597 section 5), RCODE4711 and OPCODE3. Pure; any lcore; the
// writers are for the hot path: a table, no branches on text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

// The types that the code speaks of by name.
namespace rr_type {
inline constexpr uint16_t kA = 1;
inline constexpr uint16_t kNs = 2;
inline constexpr uint16_t kCname = 5;
inline constexpr uint16_t kSoa = 6;
inline constexpr uint16_t kPtr = 12;
inline constexpr uint16_t kMx = 15;
inline constexpr uint16_t kTxt = 16;
inline constexpr uint16_t kAaaa = 28;
inline constexpr uint16_t kLoc = 29;
inline constexpr uint16_t kDname = 39;
inline constexpr uint16_t kOpt = 41;
inline constexpr uint16_t kApl = 42;
inline constexpr uint16_t kNsec = 47;
inline constexpr uint16_t kNsec3 = 50;
inline constexpr uint16_t kCsync = 62;
inline constexpr uint16_t kSvcb = 64;
inline constexpr uint16_t kHttps = 65;
}  // namespace rr_type

inline constexpr uint16_t kClassIn = 1;

// A writer may write this many bytes at `out`, and returns the end of the text.
inline constexpr size_t kNameOfNumberRoom = 16;
char* write_type(char* out, uint16_t type) noexcept;
char* write_class(char* out, uint16_t rr_class) noexcept;
// With EDNS's upper bits: 16 is BADVERS; its other name BADSIG is TSIG's, which stands in TSIG's RDATA.
char* write_rcode(char* out, uint16_t rcode) noexcept;
char* write_opcode(char* out, uint8_t opcode) noexcept;

// Empty: no name.
std::string_view type_name(uint16_t type) noexcept;
std::string_view class_name(uint16_t rr_class) noexcept;
std::string_view rcode_name(uint16_t rcode) noexcept;
std::string_view opcode_name(uint8_t opcode) noexcept;

// Without regard to case; names, and the numbered form (TYPE123). nullopt: neither.
std::optional<uint16_t> parse_type(std::string_view text) noexcept;
std::optional<uint16_t> parse_class(std::string_view text) noexcept;
std::optional<uint16_t> parse_rcode(std::string_view text) noexcept;
std::optional<uint8_t> parse_opcode(std::string_view text) noexcept;

}  // namespace weir
