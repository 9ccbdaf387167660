#include "core/dns/name.h"

#include <algorithm>

namespace weir {
namespace {

// The rules of the file's head, once for names with and without known ones: `at(offset)` is the sound name
// there or nullptr.
template <class At>
NameExtent measure(std::span<const uint8_t> msg, size_t off, At at) noexcept {
  const uint8_t* const wire = msg.data();
  NameExtent name;
  size_t run = off;  // where the labels in hand start; pointers go to before it
  size_t len = 0;    // of the labels before them
  unsigned pointers = 0;
  for (;;) {
    // Labels, as long as the name may still grow.
    const size_t limit = std::min(msg.size(), run + kMaxNameWire - len);
    size_t pos = run;
    uint8_t label = 0;
    for (;; pos += label + size_t{1}) {
      if (pos >= limit) return {.fault = pos - run + len >= kMaxNameWire ? NameFault::bad : NameFault::cut};
      label = wire[pos];
      if (label == 0 || label >= 64) break;
    }
    len += pos - run;
    if (label == 0) {
      if (pointers == 0) name.end = static_cast<uint32_t>(pos + 1);
      name.wire_len = static_cast<uint16_t>(len + 1);
      name.pointers = static_cast<uint8_t>(pointers);
      return name;
    }
    if (label < 0xc0) return {.fault = NameFault::bad};
    if (pos + 1 >= msg.size()) return {.fault = NameFault::cut};
    const size_t target = static_cast<size_t>(label & 0x3fU) << 8U | wire[pos + 1];
    if (target >= run || target < kDnsHeaderLen || pointers == kMaxNamePointers)
      return {.fault = NameFault::bad};
    if (pointers++ == 0) name.end = static_cast<uint32_t>(pos + 2);
    if (const NameExtent* rest = at(static_cast<uint32_t>(target)); rest != nullptr) {
      if (len + rest->wire_len > kMaxNameWire || pointers + rest->pointers > kMaxNamePointers) {
        return {.fault = NameFault::bad};
      }
      name.wire_len = static_cast<uint16_t>(len + rest->wire_len);
      name.pointers = static_cast<uint8_t>(pointers + rest->pointers);
      return name;
    }
    run = target;
  }
}

}  // namespace

NameExtent measure_name(std::span<const uint8_t> msg, size_t off) noexcept {
  return measure(msg, off, [](uint32_t) -> const NameExtent* { return nullptr; });
}

NameExtent measure_name_by_labels(std::span<const uint8_t> msg, size_t off,
                                  const SoundNames& known) noexcept {
  return measure(msg, off, [&known](uint32_t target) { return known.at(target); });
}

}  // namespace weir
