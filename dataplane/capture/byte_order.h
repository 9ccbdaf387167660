// Reads integers in the byte order of the host that wrote a capture file.
#pragma once

#include <cstdint>
#include <cstring>

namespace weir {

class ByteOrder {
 public:
  explicit ByteOrder(bool swapped = false) : swapped_(swapped) {}
  [[nodiscard]] uint16_t u16(const uint8_t* p) const noexcept {
    uint16_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return swapped_ ? __builtin_bswap16(value) : value;
  }
  [[nodiscard]] uint32_t u32(const uint8_t* p) const noexcept {
    uint32_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  [[nodiscard]] uint64_t u64(const uint8_t* p) const noexcept {
    uint64_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return swapped_ ? __builtin_bswap64(value) : value;
  }

 private:
  bool swapped_;
};

}  // namespace weir
