#include "core/dns/types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

namespace weir {
namespace {

struct Named {
  uint16_t number;
  std::string_view name;
};

// https://www.iana.org/assignments/dns-parameters, RR TYPEs.
constexpr Named kTypes[] = {
    {1, "A"},           {2, "NS"},        {3, "MD"},        {4, "MF"},       {5, "CNAME"},
    {6, "SOA"},         {7, "MB"},        {8, "MG"},        {9, "MR"},       {10, "NULL"},
    {11, "WKS"},        {12, "PTR"},      {13, "HINFO"},    {14, "MINFO"},   {15, "MX"},
    {16, "TXT"},        {17, "RP"},       {18, "AFSDB"},    {19, "X25"},     {20, "ISDN"},
    {21, "RT"},         {22, "NSAP"},     {23, "NSAP-PTR"}, {24, "SIG"},     {25, "KEY"},
    {26, "PX"},         {27, "GPOS"},     {28, "AAAA"},     {29, "LOC"},     {30, "NXT"},
    {31, "EID"},        {32, "NIMLOC"},   {33, "SRV"},      {34, "ATMA"},    {35, "NAPTR"},
    {36, "KX"},         {37, "CERT"},     {38, "A6"},       {39, "DNAME"},   {40, "SINK"},
    {41, "OPT"},        {42, "APL"},      {43, "DS"},       {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"},      {47, "NSEC"},     {48, "DNSKEY"},   {49, "DHCID"},   {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"},     {53, "SMIMEA"},   {55, "HIP"},     {56, "NINFO"},
    {57, "RKEY"},       {58, "TALINK"},   {59, "CDS"},      {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
    {62, "CSYNC"},      {63, "ZONEMD"},   {64, "SVCB"},     {65, "HTTPS"},   {66, "DSYNC"},
    {67, "HHIT"},       {68, "BRID"},     {99, "SPF"},      {100, "UINFO"},  {101, "UID"},
    {102, "GID"},       {103, "UNSPEC"},  {104, "NID"},     {105, "L32"},    {106, "L64"},
    {107, "LP"},        {108, "EUI48"},   {109, "EUI64"},   {128, "NXNAME"}, {249, "TKEY"},
    {250, "TSIG"},      {251, "IXFR"},    {252, "AXFR"},    {253, "MAILB"},  {254, "MAILA"},
    {255, "ANY"},       {256, "URI"},     {257, "CAA"},     {258, "AVC"},    {259, "DOA"},
    {260, "AMTRELAY"},  {261, "RESINFO"}, {262, "WALLET"},  {263, "CLA"},    {264, "IPN"},
    {32768, "TA"},      {32769, "DLV"},
};
constexpr Named kClasses[] = {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};
constexpr Named kRcodes[] = {
    {0, "NOERROR"},  {1, "FORMERR"},    {2, "SERVFAIL"}, {3, "NXDOMAIN"},  {4, "NOTIMP"},
    {5, "REFUSED"},  {6, "YXDOMAIN"},   {7, "YXRRSET"},  {8, "NXRRSET"},   {9, "NOTAUTH"},
    {10, "NOTZONE"}, {11, "DSOTYPENI"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},
    {19, "BADMODE"}, {20, "BADNAME"},   {21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"},
};
constexpr Named kOpcodes[] = {{0, "QUERY"},  {1, "IQUERY"}, {2, "STATUS"},
                              {4, "NOTIFY"}, {5, "UPDATE"}, {6, "DSO"}};

// 15 characters and the length: one copy of 16 bytes writes a name. len 0: no name.
struct Cell {
  char text[15] = {};
  uint8_t len = 0;
};
static_assert(sizeof(Cell) == kNameOfNumberRoom);

template <size_t Size>
constexpr std::array<Cell, Size> cells(std::span<const Named> names) {
  std::array<Cell, Size> table{};
  for (const Named& named : names) {
    if (named.number >= Size) continue;
    Cell& cell = table[named.number];
    for (char c : named.name) cell.text[cell.len++] = c;
  }
  return table;
}

constexpr auto kTypeCells = cells<265>(kTypes);
constexpr auto kClassCells = cells<256>(kClasses);
constexpr auto kRcodeCells = cells<24>(kRcodes);
constexpr auto kOpcodeCells = cells<16>(kOpcodes);

char* write_numbered(char* out, std::string_view prefix, unsigned number) noexcept {
  std::memcpy(out, prefix.data(), prefix.size());
  return std::to_chars(out + prefix.size(), out + kNameOfNumberRoom, number).ptr;
}

template <size_t Size>
char* write(const std::array<Cell, Size>& table, char* out, std::string_view prefix,
            unsigned number) noexcept {
  if (number >= Size || table[number].len == 0) return write_numbered(out, prefix, number);
  std::memcpy(out, &table[number], sizeof(Cell));
  return out + table[number].len;
}

std::string_view name_in(std::span<const Named> names, unsigned number) noexcept {
  for (const Named& named : names) {
    if (named.number == number) return named.name;
  }
  return {};
}

constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return upper(x) == upper(y); });
}

std::optional<uint16_t> parse(std::span<const Named> names, std::string_view prefix,
                              std::string_view text) noexcept {
  for (const Named& named : names) {
    if (equal_ignoring_case(named.name, text)) return named.number;
  }
  if (text.size() <= prefix.size() || !equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return {};
  uint16_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, number);
  if (error != std::errc() || stop != end) return {};
  return number;
}

}  // namespace

char* write_type(char* out, uint16_t type) noexcept {
  if (type >= kTypeCells.size()) {
    const std::string_view name = name_in(kTypes, type);
    if (!name.empty()) return std::copy(name.begin(), name.end(), out);
  }
  return write(kTypeCells, out, "TYPE", type);
}
char* write_class(char* out, uint16_t rr_class) noexcept {
  return write(kClassCells, out, "CLASS", rr_class);
}
char* write_rcode(char* out, uint16_t rcode) noexcept { return write(kRcodeCells, out, "RCODE", rcode); }
char* write_opcode(char* out, uint8_t opcode) noexcept { return write(kOpcodeCells, out, "OPCODE", opcode); }

std::string_view type_name(uint16_t type) noexcept { return name_in(kTypes, type); }
std::string_view class_name(uint16_t rr_class) noexcept { return name_in(kClasses, rr_class); }
std::string_view rcode_name(uint16_t rcode) noexcept { return name_in(kRcodes, rcode); }
std::string_view opcode_name(uint8_t opcode) noexcept { return name_in(kOpcodes, opcode); }

std::optional<uint16_t> parse_type(std::string_view text) noexcept { return parse(kTypes, "TYPE", text); }
std::optional<uint16_t> parse_class(std::string_view text) noexcept { return parse(kClasses, "CLASS", text); }
std::optional<uint16_t> parse_rcode(std::string_view text) noexcept {
  if (equal_ignoring_case(text, "BADSIG")) return uint16_t{16};
  return parse(kRcodes, "RCODE", text);
}
std::optional<uint8_t> parse_opcode(std::string_view text) noexcept {
  const auto number = parse(kOpcodes, "OPCODE", text);
  if (!number || *number > 15) return {};
  return static_cast<uint8_t>(*number);
}

}  // namespace weir
