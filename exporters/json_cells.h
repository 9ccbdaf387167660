// Pieces of the JSON line that are known beforehand, key, value and comma: copied whole, a few moves each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "exporters/dnstap_names.h"

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

inline constexpr auto kTypeCells = name_cells("type", kMessageTypes);
inline constexpr auto kPacketTypeCells =
    name_cells("type", std::array<std::string_view, 3>{"TRANSACTION", "QUERY", "RESPONSE"});
inline constexpr auto kFamilyCells = name_cells("family", kSocketFamilies);
inline constexpr auto kTransportCells = name_cells("transport", kSocketProtocols);
inline constexpr auto kHttpCells = name_cells("http_protocol", kHttpProtocols);
inline constexpr auto kActionCells = name_cells("action", kPolicyActions);
inline constexpr auto kMatchCells = name_cells("match", kPolicyMatches);

// "flags":["qr","rd"], for the header's QR, AA, TC, RD, RA, Z, AD and CD bits.
inline constexpr auto kFlagCells = [] {
  constexpr std::pair<unsigned, std::string_view> kNames[] = {{0x80, "qr"}, {0x40, "aa"}, {0x20, "tc"},
                                                              {0x10, "rd"}, {0x08, "ra"}, {0x04, "z"},
                                                              {0x02, "ad"}, {0x01, "cd"}};
  std::array<JsonCell<64>, 256> cells{};
  for (unsigned i = 0; i < 256; ++i) {
    cells[i].add("\"flags\":[");
    bool first = true;
    for (const auto& [bit, name] : kNames) {
      if ((i & bit) == 0) continue;
      cells[i].add(first ? "\"" : ",\"");
      cells[i].add(name);
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
