// MessageWriter: a DNS message from its parts (RFC 1035 section 4). The caller says where a compression
// pointer goes; counts are filled in as records are added. Used by Traffic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

enum class Section : uint8_t { question, answer, authority, additional };

class MessageWriter {
 public:
  // Starts over in `out`, which must outlive the use.
  void start(std::string& out, uint16_t id, uint16_t flags);
  void question(std::string_view name, uint16_t qtype);

  // A record whose owner stands at `owner` (an offset to point to; kRoot: the root itself).
  static constexpr uint16_t kRoot = 0;
  void begin_record(Section section, uint16_t owner, uint16_t type, uint16_t record_class, uint32_t ttl);
  void end_record();

  void u8(unsigned value) { *out_ += static_cast<char>(value); }
  void u16(unsigned value) {
    u8(value >> 8U & 0xffU);
    u8(value & 0xffU);
  }
  void u32(uint32_t value) {
    u16(value >> 16U);
    u16(value & 0xffffU);
  }
  void bytes(std::string_view data) { *out_ += data; }
  void character_string(std::string_view text) {
    u8(static_cast<unsigned>(text.size()));
    bytes(text);
  }
  void pointer(uint16_t to) { u16(0xc000U | to); }

  [[nodiscard]] uint16_t size() const { return static_cast<uint16_t>(out_->size()); }

 private:
  void put_u16(size_t at, unsigned value);

  std::string* out_ = nullptr;
  size_t rdlength_at_ = 0;
  unsigned counts_[4] = {};
};

}  // namespace weir
