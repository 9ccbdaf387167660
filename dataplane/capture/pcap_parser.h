// PcapParser: libpcap's classic file format (draft-ietf-opsawg-pcap), microseconds and nanoseconds, both byte
// orders, and Kuznetzov's variant with its longer record heads.
//   file   = magic version snaplen linktype record*        24 bytes of header
//   record = seconds fraction captured wire [8 bytes] data  16 bytes of head, Kuznetzov's 24
#pragma once

#include "dataplane/capture/byte_order.h"
#include "dataplane/capture/capture_parser.h"

namespace weir {

class PcapParser : public CaptureParser {
 public:
  [[nodiscard]] static bool is_magic(std::span<const uint8_t> first) noexcept;

  CaptureStep next(std::span<const uint8_t> window, bool at_end) noexcept override;
  [[nodiscard]] std::string refusal() const override;

 private:
  struct Head {
    uint32_t seconds, fraction, captured, wire;
  };
  CaptureStep read_file_header(std::span<const uint8_t> window, bool at_end) noexcept;
  CaptureStep search(std::span<const uint8_t> window, bool at_end) noexcept;
  CaptureStep packet(const Head& head, const uint8_t* record) noexcept;
  [[nodiscard]] Head head_at(const uint8_t* record) const noexcept;
  [[nodiscard]] bool odd(const Head& head) const noexcept;
  [[nodiscard]] bool may_follow(const Head& head) const noexcept;
  [[nodiscard]] bool may_begin(const Head& head) const noexcept;
  enum class Look : uint8_t { yes, no, need };
  Look record_follows(std::span<const uint8_t> window, size_t at, bool at_end) const noexcept;

  ByteOrder order_;
  bool started_ = false;
  bool searching_ = false;
  bool nanoseconds_ = false;
  uint32_t head_len_ = 16;
  uint32_t snaplen_ = 0;
  uint32_t last_seconds_ = 0;
  bool any_ = false;  // last_seconds_ is that of a packet
  LinkType link_ = LinkType::ethernet;
};

}  // namespace weir
