// Packets for tests, as they come over a ring to an output `pcap`.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/captured_packet.h"

namespace weir {

class PacketRecords {
 public:
  // The head's lengths are set here.
  void add(CapturedPacket head, std::string_view bytes) {
    const size_t words = (sizeof head + bytes.size() + 7) / 8;
    const size_t at = memory_.size();
    memory_.resize(at + words);
    head.record_len = static_cast<uint32_t>(words * 8);
    head.len = static_cast<uint32_t>(bytes.size());
    if (head.wire_len == 0) head.wire_len = head.len;
    auto* to = reinterpret_cast<uint8_t*>(memory_.data() + at);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + sizeof head, bytes.data(), bytes.size());
    batch_.data = reinterpret_cast<uint8_t*>(memory_.data());
    batch_.used = batch_.capacity = static_cast<uint32_t>(memory_.size() * 8);
    batch_.records += 1;
    batch_.units += 1;
  }
  [[nodiscard]] Batch& batch() { return batch_; }
  // The first one; valid until the next add().
  [[nodiscard]] const CapturedPacket& first() const {
    return *reinterpret_cast<const CapturedPacket*>(memory_.data());
  }

 private:
  std::vector<uint64_t> memory_;
  Batch batch_;
};

// As the format writes it.
template <class Format>
std::string record_of(Format& format, const CapturedPacket& head, std::string_view bytes) {
  PacketRecords records;
  records.add(head, bytes);
  std::string out(format.max_record_bytes(), '\0');
  out.resize(static_cast<size_t>(format.write(records.first(), 0, out.data()) - out.data()));
  return out;
}

}  // namespace weir
