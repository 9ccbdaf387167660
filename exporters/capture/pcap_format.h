// PcapFormat: libpcap's classic file format (draft-ietf-opsawg-pcap) with nanoseconds. A file has one link
// type: that of the first packet, or of the file that is appended to; other packets are refused.
//   file   = magic version snaplen linktype record*     24 bytes of header
//   record = seconds nanoseconds captured wire data     16 bytes of head
#pragma once

#include <array>

#include "exporters/capture/packet_format.h"

namespace weir {

class PcapFormat : public PacketFormat {
 public:
  explicit PcapFormat(uint32_t snap_length);

  [[nodiscard]] size_t max_record_bytes() const noexcept override { return kHeadBytes + snap_length_; }
  char* write(const CapturedPacket& packet, uint64_t seq, char* out) noexcept override;
  [[nodiscard]] size_t record_start(std::string_view records, size_t sent) const noexcept override;
  Result<bool> resume(int fd, const std::string& path) override;
  [[nodiscard]] std::string_view opening() const override { return {header_.data(), header_.size()}; }

 private:
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kHeaderBytes = 24;

  void set_link(uint32_t link) noexcept;

  uint32_t snap_length_;
  uint32_t link_ = 1;        // LINKTYPE_ETHERNET, should no packet come
  bool link_known_ = false;  // by a packet, or by the file
  std::array<char, kHeaderBytes> header_ = {};
};

}  // namespace weir
