// LOC (RFC 1876), in ldns's form: "52 22 23.000 N 04 53 32.000 E -2.00m 0.00m 10000m 10m".
#include "core/dns/rdata_writers.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

template <class Out>
void write_padded(Out& out, uint32_t value, unsigned digits) noexcept {
  char text[10];
  for (unsigned i = digits; i != 0; value /= 10) text[--i] = static_cast<char>('0' + value % 10);
  out.put({text, digits});
}

// Thousandths of a second of arc; 2^31 is the equator or the prime meridian.
template <class Out>
bool write_angle(Out& out, uint32_t wire, uint32_t max_degrees, char above, char below) noexcept {
  constexpr uint32_t kZero = 1U << 31U;
  constexpr uint32_t kDegree = 3'600'000;
  const uint32_t angle = wire > kZero ? wire - kZero : kZero - wire;
  if (angle > max_degrees * kDegree) return false;
  const uint32_t degrees = angle / kDegree;
  if (degrees >= 100) {
    write_decimal(out, degrees);
  } else {
    write_padded(out, degrees, 2);
  }
  out.put(' ');
  write_padded(out, angle % kDegree / 60'000, 2);
  out.put(' ');
  write_decimal(out, angle % 60'000 / 1000);
  out.put('.');
  write_padded(out, angle % 1000, 3);
  out.put(' ');
  out.put(wire > kZero ? above : below);
  out.put(' ');
  return true;
}

// Centimetres above 100 km below the spheroid.
template <class Out>
void write_altitude(Out& out, uint32_t wire) noexcept {
  constexpr uint32_t kZero = 10'000'000;
  const uint32_t cm = wire >= kZero ? wire - kZero : kZero - wire;
  if (wire < kZero) out.put('-');
  write_decimal(out, cm / 100);
  if (cm % 100 != 0) {
    out.put('.');
    write_padded(out, cm % 100, 2);
  }
  out.put('m');
}

// Two decimal digits: m * 10^e centimetres.
template <class Out>
bool write_size(Out& out, uint8_t wire) noexcept {
  const uint32_t mantissa = wire >> 4U;
  const uint32_t exponent = wire & 15U;
  if (mantissa > 9 || exponent > 9) return false;
  out.put(' ');
  if (exponent < 2) {
    out.put("0.");
    write_padded(out, exponent == 1 ? mantissa * 10 : mantissa, 2);
  } else {
    out.put(static_cast<char>('0' + mantissa));
    for (uint32_t i = 2; i < exponent; ++i) out.put('0');
  }
  out.put('m');
  return true;
}

}  // namespace

template <class Out>
bool write_loc(Out& out, const Rdata& rdata) noexcept {
  WireReader reader(rdata.bytes());
  const uint8_t version = reader.u8();
  const uint8_t size = reader.u8();
  const uint8_t horizontal = reader.u8();
  const uint8_t vertical = reader.u8();
  const uint32_t latitude = reader.u32();
  const uint32_t longitude = reader.u32();
  const uint32_t altitude = reader.u32();
  if (!reader.ok() || reader.left() != 0 || version != 0) return false;
  if (!write_angle(out, latitude, 90, 'N', 'S')) return false;
  if (!write_angle(out, longitude, 180, 'E', 'W')) return false;
  write_altitude(out, altitude);
  return write_size(out, size) && write_size(out, horizontal) && write_size(out, vertical);
}

template bool write_loc(TextWriter& out, const Rdata& rdata) noexcept;
template bool write_loc(NoText& out, const Rdata& rdata) noexcept;

}  // namespace weir
