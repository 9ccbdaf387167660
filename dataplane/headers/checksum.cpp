#include "dataplane/headers/checksum.h"

namespace weir {
namespace {

uint64_t sum(std::span<const uint8_t> bytes, uint64_t start) noexcept {
  uint64_t total = start;
  size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) total += static_cast<uint64_t>(bytes[i]) << 8U | bytes[i + 1];
  if (i < bytes.size()) total += static_cast<uint64_t>(bytes[i]) << 8U;
  return total;
}

uint16_t fold(uint64_t total) noexcept {
  while (total > 0xffff) total = (total & 0xffffU) + (total >> 16U);
  return static_cast<uint16_t>(~total);
}

}  // namespace

uint16_t internet_checksum(std::span<const uint8_t> bytes) noexcept { return fold(sum(bytes, 0)); }

uint16_t transport_checksum(const IpAddr& src, const IpAddr& dst, uint8_t protocol,
                            std::span<const uint8_t> datagram) noexcept {
  uint64_t total = datagram.size() + protocol;
  for (const IpAddr* addr : {&src, &dst}) total = sum({addr->bytes.data(), addr->len}, total);
  return fold(sum(datagram, total));
}

}  // namespace weir
