// Types whose RDATA is a row of plain fields: one table, one interpreter. Text of a field is that of the RFC
// which defines the type, fields are parted by one space, and RDATA must be used up to its last byte.
#include <algorithm>
#include <array>

#include "core/addr.h"
#include "core/dns/name.h"
#include "core/dns/rdata_writers.h"
#include "core/dns/types.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

enum class Field : uint8_t {
  end,
  u8,
  u16,
  u32,
  u48,
  covered,  // a type by name
  time,     // seconds since 1970 as YYYYMMDDHHMMSS
  ipv4,
  locator,  // 64 bits, 0014:4fff:ff20:ee64 (RFC 6742)
  eui48,    // 00-00-5e-00-53-2a (RFC 7043)
  eui64,
  name,
  string,        // length byte and bytes, quoted
  maybe_string,  // the same, or the end
  strings,       // one or more of them, to the end
  tag,           // length byte and letters or digits, as they are (CAA)
  rest_quoted,   // the rest, quoted; may be empty
  target,        // the same, not empty (URI)
  rest_hex,      // the rest, not empty
  rest_base64,   // the rest, not empty
  sized_base64,  // 16-bit length, then that: "3 AQID" (TSIG, as ldns)
  salt,          // length byte and bytes, hex; "-" if none (NSEC3)
  hash,          // length byte and bytes, base32hex (NSEC3)
  bitmap,        // types by name, to the end; may be empty
};

constexpr size_t kMaxFields = 10;
struct Row {
  std::array<Field, kMaxFields> fields{};  // the rest is `end`
};

struct TypedRow {
  uint16_t type;
  Row row;
};

using enum Field;
constexpr Row kName = {{name}};
constexpr Row kTwoNames = {{name, name}};
constexpr Row kPreferenceName = {{u16, name}};
constexpr Row kStrings = {{strings}};
constexpr Row kDigest = {{u16, u8, u8, rest_hex}};
constexpr Row kKey = {{u16, u8, u8, rest_base64}};
constexpr Row kSignature = {{covered, u8, u8, u32, time, time, u16, name, rest_base64}};
constexpr Row kAssociation = {{u8, u8, u8, rest_hex}};

constexpr TypedRow kRows[] = {
    {2, kName},                                                         // NS
    {3, kName},                                                         // MD
    {4, kName},                                                         // MF
    {5, kName},                                                         // CNAME
    {6, {{name, name, u32, u32, u32, u32, u32}}},                       // SOA
    {7, kName},                                                         // MB
    {8, kName},                                                         // MG
    {9, kName},                                                         // MR
    {12, kName},                                                        // PTR
    {13, {{string, string}}},                                           // HINFO
    {14, kTwoNames},                                                    // MINFO
    {15, kPreferenceName},                                              // MX
    {16, kStrings},                                                     // TXT
    {17, kTwoNames},                                                    // RP
    {18, kPreferenceName},                                              // AFSDB
    {19, {{string}}},                                                   // X25
    {20, {{string, maybe_string}}},                                     // ISDN
    {21, kPreferenceName},                                              // RT
    {23, kName},                                                        // NSAP-PTR
    {24, kSignature},                                                   // SIG
    {25, kKey},                                                         // KEY
    {26, {{u16, name, name}}},                                          // PX
    {27, {{string, string, string}}},                                   // GPOS
    {33, {{u16, u16, u16, name}}},                                      // SRV
    {35, {{u16, u16, string, string, string, name}}},                   // NAPTR
    {36, kPreferenceName},                                              // KX
    {39, kName},                                                        // DNAME
    {43, kDigest},                                                      // DS
    {44, {{u8, u8, rest_hex}}},                                         // SSHFP
    {46, kSignature},                                                   // RRSIG
    {47, {{name, bitmap}}},                                             // NSEC
    {48, kKey},                                                         // DNSKEY
    {49, {{rest_base64}}},                                              // DHCID
    {50, {{u8, u8, u16, salt, hash, bitmap}}},                          // NSEC3
    {51, {{u8, u8, u16, salt}}},                                        // NSEC3PARAM
    {52, kAssociation},                                                 // TLSA
    {53, kAssociation},                                                 // SMIMEA
    {56, kStrings},                                                     // NINFO
    {57, kKey},                                                         // RKEY
    {58, kTwoNames},                                                    // TALINK
    {59, kDigest},                                                      // CDS
    {60, kKey},                                                         // CDNSKEY
    {61, {{rest_base64}}},                                              // OPENPGPKEY
    {62, {{u32, u16, bitmap}}},                                         // CSYNC
    {63, {{u32, u8, u8, rest_hex}}},                                    // ZONEMD
    {99, kStrings},                                                     // SPF
    {104, {{u16, locator}}},                                            // NID
    {105, {{u16, ipv4}}},                                               // L32
    {106, {{u16, locator}}},                                            // L64
    {107, kPreferenceName},                                             // LP
    {108, {{eui48}}},                                                   // EUI48
    {109, {{eui64}}},                                                   // EUI64
    {249, {{name, time, time, u16, u16, sized_base64, sized_base64}}},  // TKEY
    {250, {{name, u48, u16, sized_base64, u16, u16, sized_base64}}},    // TSIG
    {256, {{u16, u16, target}}},                                        // URI
    {257, {{u8, tag, rest_quoted}}},                                    // CAA
    {258, kStrings},                                                    // AVC
    {261, kStrings},                                                    // RESINFO
    {262, kStrings},                                                    // WALLET
    {32768, kDigest},                                                   // TA
    {32769, kDigest},                                                   // DLV
};

constexpr uint16_t kNoRow = 0xffff;
constexpr size_t kIndexed = 263;
constexpr auto kRowOfType = [] {
  std::array<uint16_t, kIndexed> table{};
  table.fill(kNoRow);
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].type < kIndexed) table[kRows[i].type] = static_cast<uint16_t>(i);
  }
  return table;
}();

const Row* row_of(uint16_t type) noexcept {
  if (type < kIndexed) return kRowOfType[type] == kNoRow ? nullptr : &kRows[kRowOfType[type]].row;
  const auto* found = std::ranges::find(kRows, type, &TypedRow::type);
  return found == std::end(kRows) ? nullptr : &found->row;
}

template <class Out>
void write_two_digits(Out& out, unsigned value) noexcept {
  out.put(static_cast<char>('0' + value / 10 % 10));
  out.put(static_cast<char>('0' + value % 10));
}

// RFC 4034 section 3.2. The number is taken as it is, without guessing an era by serial arithmetic: the same
// bytes give the same text in any year.
template <class Out>
void write_time(Out& out, uint32_t seconds) noexcept {
  const uint32_t of_day = seconds % 86400;
  // Days since 0000-03-01, so that leap days end years and eras of 400 years.
  const uint32_t days = seconds / 86400 + 719468;
  const uint32_t era = days / 146097;
  const uint32_t of_era = days % 146097;
  const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t month = (5 * of_year + 2) / 153;  // 0: March
  const uint32_t day = of_year - (153 * month + 2) / 5 + 1;
  const uint32_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
  write_two_digits(out, year / 100);
  write_two_digits(out, year % 100);
  write_two_digits(out, month >= 10 ? month - 9 : month + 3);
  write_two_digits(out, day);
  write_two_digits(out, of_day / 3600);
  write_two_digits(out, of_day / 60 % 60);
  write_two_digits(out, of_day % 60);
}

template <class Out>
void write_u48(Out& out, uint64_t value) noexcept {
  char digits[16];
  char* start = digits + sizeof digits;
  do {
    *--start = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  out.put({start, digits + sizeof digits});
}

// Hex in groups of `group` bytes.
template <class Out>
void write_groups(Out& out, std::span<const uint8_t> bytes, size_t group, char between) noexcept {
  for (size_t i = 0; i < bytes.size(); i += group) {
    if (i != 0) out.put(between);
    write_hex(out, bytes.subspan(i, group));
  }
}

// RFC 4034 section 4.1.2: windows {number, length 1..32, bits}, in rising order. A space before each type.
template <class Out>
bool write_bitmap(Out& out, std::span<const uint8_t> bitmap) noexcept {
  int last = -1;
  while (!bitmap.empty()) {
    if (bitmap.size() < 2) return false;
    const uint8_t window = bitmap[0];
    const uint8_t len = bitmap[1];
    if (window <= last || len == 0 || len > 32 || bitmap.size() < size_t{2} + len) return false;
    last = window;
    for (unsigned i = 0; i < len; ++i) {
      // The bits from the left.
      for (uint32_t bits = static_cast<uint32_t>(bitmap[2 + i]) << 24U; bits != 0;) {
        const auto bit = static_cast<unsigned>(__builtin_clz(bits));
        bits &= ~(0x80000000U >> bit);
        out.put(' ');
        write_type_name(out, static_cast<uint16_t>(256U * window + 8 * i + bit));
      }
    }
    bitmap = bitmap.subspan(size_t{2} + len);
  }
  return true;
}

template <class Out>
bool write_strings(Out& out, WireReader& reader) noexcept {
  for (bool first = true; first || reader.left() != 0; first = false) {
    if (!first) out.put(' ');
    const uint8_t len = reader.u8();
    write_quoted(out, reader.bytes(len));
    if (!reader.ok()) return false;
  }
  return true;
}

bool letter_or_digit(uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 8659 section 4.1.
template <class Out>
bool write_tag(Out& out, std::span<const uint8_t> tag) noexcept {
  if (tag.empty() || !std::ranges::all_of(tag, letter_or_digit)) return false;
  out.put({reinterpret_cast<const char*>(tag.data()), tag.size()});
  return true;
}

// One field at the reader, which ends with the RDATA; names are looked for in the message. false: the RDATA
// contradicts it.
template <class Out>
bool write_field(Out& out, Field field, WireReader& reader, std::span<const uint8_t> msg) noexcept {
  switch (field) {
    case end:
      return false;
    case u8:
      write_decimal(out, reader.u8());
      break;
    case u16:
      write_decimal(out, reader.u16());
      break;
    case u32:
      write_decimal(out, reader.u32());
      break;
    case u48: {
      const uint64_t high = reader.u16();
      write_u48(out, high << 32U | reader.u32());
      break;
    }
    case covered:
      write_type_name(out, reader.u16());
      break;
    case time:
      write_time(out, reader.u32());
      break;
    case ipv4:
      write_address(out, IpAddr::from_wire(reader.bytes(4)));
      break;
    case locator:
      write_groups(out, reader.bytes(8), 2, ':');
      break;
    case eui48:
      write_groups(out, reader.bytes(6), 1, '-');
      break;
    case eui64:
      write_groups(out, reader.bytes(8), 1, '-');
      break;
    case name: {
      const NameExtent extent = write_name(out, msg, reader.offset());
      if (!extent.sound()) return false;
      reader.skip(extent.end - reader.offset());
      break;
    }
    case string:
    case maybe_string:
      write_quoted(out, reader.bytes(reader.u8()));
      break;
    case strings:
      return write_strings(out, reader);
    case tag:
      return write_tag(out, reader.bytes(reader.u8()));
    case rest_quoted:
      write_quoted(out, reader.bytes(reader.left()));
      break;
    case target:
      if (reader.left() == 0) return false;
      write_quoted(out, reader.bytes(reader.left()));
      break;
    case rest_hex:
      if (reader.left() == 0) return false;
      write_hex(out, reader.bytes(reader.left()));
      break;
    case rest_base64:
      if (reader.left() == 0) return false;
      write_base64(out, reader.bytes(reader.left()));
      break;
    case sized_base64: {
      const uint16_t len = reader.u16();
      write_decimal(out, len);
      if (len == 0) break;
      out.put(' ');
      write_base64(out, reader.bytes(len));
      break;
    }
    case salt: {
      const uint8_t len = reader.u8();
      if (len == 0) out.put('-');
      write_hex(out, reader.bytes(len));
      break;
    }
    case hash: {
      const uint8_t len = reader.u8();
      if (len == 0) return false;
      write_base32hex(out, reader.bytes(len));
      break;
    }
    case bitmap:
      return write_bitmap(out, reader.bytes(reader.left()));
  }
  return reader.ok();
}

}  // namespace

bool has_fields(uint16_t type) noexcept { return row_of(type) != nullptr; }

template <class Out>
bool write_fields(Out& out, uint16_t type, const Rdata& rdata) noexcept {
  WireReader reader(rdata.msg.first(rdata.off + rdata.len), rdata.off);
  const Row& row = *row_of(type);
  for (size_t i = 0; i < kMaxFields && row.fields[i] != end; ++i) {
    if (row.fields[i] == maybe_string && reader.left() == 0) break;
    if (i != 0 && row.fields[i] != bitmap) out.put(' ');
    if (!write_field(out, row.fields[i], reader, rdata.msg)) return false;
  }
  return reader.ok() && reader.left() == 0;
}

template bool write_fields(TextWriter& out, uint16_t type, const Rdata& rdata) noexcept;
template bool write_fields(NoText& out, uint16_t type, const Rdata& rdata) noexcept;

}  // namespace weir
