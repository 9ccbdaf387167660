// WireReader: a cursor over wire bytes in network order with a sticky error: after the first read past the
// end every read gives zeros and nothing moves, so the caller checks ok() once. Pure; any lcore; hot path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir {

inline uint16_t load_be16(const uint8_t* p) noexcept { return static_cast<uint16_t>(p[0] << 8U | p[1]); }
inline uint32_t load_be32(const uint8_t* p) noexcept {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}

class WireReader {
 public:
  // The bytes outlive the reader. An offset past the end is an error from the start.
  explicit WireReader(std::span<const uint8_t> bytes, size_t offset = 0) noexcept
      : bytes_(bytes), offset_(offset <= bytes.size() ? offset : bytes.size()), ok_(offset <= bytes.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] size_t offset() const noexcept { return offset_; }
  [[nodiscard]] size_t left() const noexcept { return ok_ ? bytes_.size() - offset_ : 0; }
  void fail() noexcept { ok_ = false; }

  uint8_t u8() noexcept {
    const uint8_t* p = take(1);
    return p != nullptr ? *p : uint8_t{0};
  }
  uint16_t u16() noexcept {
    const uint8_t* p = take(2);
    return p != nullptr ? load_be16(p) : uint16_t{0};
  }
  uint32_t u32() noexcept {
    const uint8_t* p = take(4);
    return p != nullptr ? load_be32(p) : 0;
  }
  // Empty on error.
  std::span<const uint8_t> bytes(size_t len) noexcept {
    const uint8_t* p = take(len);
    return p != nullptr ? std::span(p, len) : std::span<const uint8_t>();
  }
  void skip(size_t len) noexcept { (void)take(len); }

 private:
  const uint8_t* take(size_t len) noexcept {
    if (!ok_ || len > bytes_.size() - offset_) {
      ok_ = false;
      return nullptr;
    }
    const uint8_t* p = bytes_.data() + offset_;
    offset_ += len;
    return p;
  }

  std::span<const uint8_t> bytes_;
  size_t offset_;
  bool ok_;
};

}  // namespace weir
