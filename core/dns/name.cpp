#include "core/dns/name.h"

namespace weir {

NameExtent measure_name(std::span<const uint8_t> msg, size_t off) noexcept {
  NameExtent name;
  size_t pos = off;
  size_t run = off;  // where the labels in hand start; pointers go to before it
  size_t len = 0;
  unsigned pointers = 0;
  for (;;) {
    if (pos >= msg.size()) break;
    const uint8_t label = msg[pos];
    if (label == 0) {
      if (pointers == 0) name.end = static_cast<uint32_t>(pos + 1);
      name.wire_len = static_cast<uint16_t>(len + 1);
      return name;
    }
    if (label < 64) {
      pos += label + size_t{1};
      len += label + size_t{1};
      if (len < kMaxNameWire) continue;
      name.fault = NameFault::bad;
      return name;
    }
    if (label >= 0xc0 && pos + 1 >= msg.size()) break;
    const size_t target = static_cast<size_t>(label & 0x3fU) << 8U | (label >= 0xc0 ? msg[pos + 1] : 0U);
    if (label < 0xc0 || target >= run || target < kDnsHeaderLen || pointers == kMaxNamePointers) {
      name.fault = NameFault::bad;
      return name;
    }
    if (pointers++ == 0) name.end = static_cast<uint32_t>(pos + 2);
    run = pos = target;
  }
  name.fault = NameFault::cut;
  return name;
}

}  // namespace weir
