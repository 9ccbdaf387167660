// PcapngParser: pcapng (draft-ietf-opsawg-pcapng): several sections in either byte order, several interfaces
// with their own link types and clocks; packets of Enhanced, Simple and the old Packet Blocks. Other blocks
// are skipped.
//   file  = section+     section = section-header block*
//   block = type length body length                        4 bytes each but the body, which fills up to 4
#pragma once

#include <vector>

#include "dataplane/capture/byte_order.h"
#include "dataplane/capture/capture_parser.h"

namespace weir {

class PcapngParser : public CaptureParser {
 public:
  [[nodiscard]] static bool is_magic(std::span<const uint8_t> first) noexcept;

  CaptureStep next(std::span<const uint8_t> window, bool at_end) noexcept override;
  [[nodiscard]] std::string refusal() const override { return refusal_; }

 private:
  // Ticks of an interface's clock are 10^-exponent or 2^-exponent seconds.
  struct Interface {
    LinkType link = LinkType::ethernet;
    uint32_t snaplen = 0;
    bool binary = false;
    unsigned exponent = 6;
    int64_t offset_seconds = 0;
    [[nodiscard]] uint64_t to_ns(uint64_t ticks) const noexcept;
  };

  CaptureStep skip_on(std::span<const uint8_t> window, bool at_end) noexcept;
  CaptureStep search(std::span<const uint8_t> window, bool at_end) noexcept;
  CaptureStep damage() noexcept;
  CaptureStep refuse(const char* why);
  [[nodiscard]] bool block_begins(std::span<const uint8_t> window) const noexcept;
  // Moves `at` to the first block that begins before `stop`, or to `stop`.
  bool find_block(std::span<const uint8_t> window, size_t stop, size_t& at) const noexcept;
  CaptureStep read_block(const uint8_t* block, uint32_t len);
  CaptureStep read_packet(const uint8_t* block, uint32_t len, uint32_t interface);
  CaptureStep read_simple_packet(const uint8_t* block, uint32_t len);
  bool read_interface(const uint8_t* block, uint32_t len);

  ByteOrder order_;
  bool started_ = false;
  bool searching_ = false;
  uint64_t skip_left_ = 0;
  uint64_t last_time_ns_ = 0;
  std::vector<Interface> interfaces_;  // of the section
  std::string refusal_;
};

}  // namespace weir
