// APL (RFC 3123): "1:192.0.2.0/24 !2:2001:db8::/32". Items {family, prefix, negation and length, address
// without its trailing zeros}.
#include <array>
#include <cstring>

#include "core/addr.h"
#include "core/dns/rdata_writers.h"
#include "core/dns/wire_reader.h"

namespace weir {

template <class Out>
bool write_apl(Out& out, const Rdata& rdata) noexcept {
  WireReader reader(rdata.bytes());
  bool first = true;
  while (reader.left() != 0) {
    const uint16_t family = reader.u16();
    const uint8_t prefix = reader.u8();
    const uint8_t negation_len = reader.u8();
    const auto given = reader.bytes(negation_len & 0x7fU);
    const size_t full = family == 1 ? 4 : 16;
    if (!reader.ok() || family == 0 || family > 2 || given.size() > full || prefix > 8 * full) return false;
    std::array<uint8_t, 16> address{};
    if (!given.empty()) std::memcpy(address.data(), given.data(), given.size());
    if (!first) out.put(' ');
    first = false;
    if ((negation_len & 0x80U) != 0) out.put('!');
    write_decimal(out, family);
    out.put(':');
    write_address(out, full == 4 ? IpAddr::v4(address.data()) : IpAddr::v6(address.data()));
    out.put('/');
    write_decimal(out, prefix);
  }
  return !first;
}

template bool write_apl(TextWriter& out, const Rdata& rdata) noexcept;
template bool write_apl(NoText& out, const Rdata& rdata) noexcept;

}  // namespace weir
