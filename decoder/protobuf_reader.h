// ProtobufReader: a cursor over protobuf wire bytes: tags, values, and the skipping of what a schema does not
// know, with the limits of libprotobuf (fields as they come, nothing stored). Pure; any lcore; hot path.
//
//   message = *( tag value )              tag = varint: field number × 8 + wire type, at most 5 bytes
//   value   = varint (0) / 8 bytes (1) / length bytes (2) / *( tag value ) end-group tag (3) / 4 bytes (5)
//   varint  = 7 bits a byte, low bits first, at most 10 bytes; bits over 64 (tags: over 32) fall off
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace weir {

class ProtobufReader {
 public:
  // Groups may nest so deep, each message around them counted too.
  static constexpr unsigned kMaxDepth = 100;

  explicit ProtobufReader(std::span<const uint8_t> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }

  // Each false: the bytes are not protobuf; the cursor is then of no use.
  [[nodiscard]] bool tag(uint32_t& out) noexcept {
    if (at_ != end_ && *at_ < 0x80) {
      out = *at_++;
      return true;
    }
    uint64_t wide = 0;
    if (!long_varint(wide, 5)) return false;
    out = static_cast<uint32_t>(wide);
    return true;
  }
  // By force: called, it would put the cursor into memory, see skip(). That was 5 % of all.
  [[nodiscard, gnu::always_inline]] inline bool varint(uint64_t& out) noexcept {
    if (at_ != end_ && *at_ < 0x80) {
      out = *at_++;
      return true;
    }
    return long_varint(out, 10);
  }
  [[nodiscard]] bool fixed32(uint32_t& out) noexcept {
    if (end_ - at_ < 4) return false;
    std::memcpy(&out, at_, 4);  // little-endian on the wire and here
    at_ += 4;
    return true;
  }
  [[nodiscard]] bool bytes(std::span<const uint8_t>& out) noexcept {
    uint64_t len = 0;
    if (at_ != end_ && *at_ < 0x80) {
      len = *at_++;
    } else if (!long_varint(len, 5)) {
      return false;
    }
    if (len > static_cast<uint64_t>(end_ - at_)) return false;
    out = {at_, static_cast<size_t>(len)};
    at_ += len;
    return true;
  }
  // The value of a field that the schema does not know. `depth`: groups that may still nest here.
  [[nodiscard]] bool skip(uint32_t tag, unsigned depth) noexcept {
    // By value: a cursor whose address is given away lives in memory, and every read waits for it.
    at_ = skipped(*this, tag, depth);
    return at_ != nullptr;
  }

 private:
  // Where the value ends; nullptr: the bytes are not protobuf.
  static const uint8_t* skipped(ProtobufReader reader, uint32_t tag, unsigned depth) noexcept;
  [[nodiscard]] bool long_varint(uint64_t& out, unsigned max_bytes) noexcept {
    uint64_t value = 0;
    for (unsigned i = 0; i < max_bytes && at_ != end_; ++i) {
      const uint8_t byte = *at_++;
      value |= static_cast<uint64_t>(byte & 0x7fU) << (7 * i);
      if (byte < 0x80) {
        out = value;
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool skip_scalar(uint32_t tag) noexcept;

  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace weir
