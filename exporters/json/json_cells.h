// Pieces of the JSON line that are known beforehand, key, value and comma: copied whole, a few moves each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "exporters/formats/dnstap_names.h"

namespace weir {

// Bytes: a multiple of 16, one of them for the length.
template <size_t Bytes>
struct JsonCell {
  char text[Bytes - 1] = {};
  uint8_t len = 0;

  constexpr void add(std::string_view more) {
    for (char c : more) text[len++] = c;
  }
};

// Writes `Bytes`, of which len count.
template <size_t Bytes>
inline char* put_cell(char* out, const JsonCell<Bytes>& cell) noexcept {
  std::memcpy(out, &cell, Bytes);
  return out + cell.len;
}

// "key":"NAME", for each name.
template <size_t N>
constexpr std::array<JsonCell<32>, N> name_cells(std::string_view key,
                                                 const std::array<std::string_view, N>& names) {
  std::array<JsonCell<32>, N> cells{};
  for (size_t i = 0; i < N; ++i) {
    for (const std::string_view part :
         {std::string_view("\""), key, std::string_view("\":\""), names[i], std::string_view("\",")})
      cells[i].add(part);
  }
  return cells;
}

// By EventKind, less one.
inline constexpr std::array<std::string_view, 3> kPacketTypes = {"TRANSACTION", "QUERY", "RESPONSE"};

inline constexpr auto kTypeCells = name_cells("type", kMessageTypes);
inline constexpr auto kPacketTypeCells = name_cells("type", kPacketTypes);
inline constexpr auto kFamilyCells = name_cells("family", kSocketFamilies);
inline constexpr auto kTransportCells = name_cells("transport", kSocketProtocols);
inline constexpr auto kHttpCells = name_cells("http_protocol", kHttpProtocols);
inline constexpr auto kActionCells = name_cells("action", kPolicyActions);
inline constexpr auto kMatchCells = name_cells("match", kPolicyMatches);

// The header's QR, AA, TC, RD, RA, Z, AD and CD bits, the first one the highest.
inline constexpr std::array<std::string_view, 8> kFlagNames = {"qr", "aa", "tc", "rd", "ra", "z", "ad", "cd"};
// "flags":["qr","rd"],
inline constexpr auto kFlagCells = [] {
  std::array<JsonCell<64>, 256> cells{};
  for (unsigned i = 0; i < 256; ++i) {
    cells[i].add("\"flags\":[");
    bool first = true;
    for (size_t at = 0; at < kFlagNames.size(); ++at) {
      if ((i & (0x80U >> at)) == 0) continue;
      cells[i].add(first ? "\"" : ",\"");
      cells[i].add(kFlagNames[at]);
      cells[i].add("\"");
      first = false;
    }
    cells[i].add("],");
  }
  return cells;
}();
// QR next to AA: the opcode is left out.
constexpr unsigned flag_cell(uint16_t flags) { return (flags >> 4U & 0x7fU) | (flags >> 8U & 0x80U); }

}  // namespace weir
