// PcapngFormat: pcapng (draft-ietf-opsawg-pcapng). Each input is an interface of its own, and each of its
// link types; times are in nanoseconds. Why a packet was refused is a comment of the packet. A file that is
// appended to gets a further section.
//   file  = section+     section = section-header interface+ packet*
//   block = type length body length                        4 bytes each but the body, which fills up to 4
#pragma once

#include "exporters/capture/packet_format.h"

namespace weir {

class PcapngFormat : public PacketFormat {
 public:
  PcapngFormat(uint32_t snap_length, std::vector<std::string> input_names);

  [[nodiscard]] size_t max_record_bytes() const noexcept override;
  char* write(const CapturedPacket& packet, uint64_t seq, char* out) noexcept override;
  [[nodiscard]] size_t record_start(std::string_view records, size_t sent) const noexcept override;
  Result<bool> resume(int fd, const std::string& path) override;
  // Grows with each interface.
  [[nodiscard]] std::string_view opening() const override { return opening_; }
  // Readers refuse a file without an interface: should no packet come, it has one of Ethernet.
  [[nodiscard]] std::string_view closing() const override {
    return interfaces_.empty() ? std::string_view(no_packets_) : std::string_view();
  }

 private:
  // A file can name any link type for each packet: more than so many interfaces are refused.
  static constexpr size_t kMostInterfaces = 256;
  struct Interface {
    uint16_t input;
    uint16_t link;
    bool operator==(const Interface&) const = default;
  };

  bool find_interface(Interface wanted, uint32_t& number);
  [[nodiscard]] std::string describe(Interface interface, std::string_view name) const;

  uint32_t snap_length_;
  std::vector<std::string> input_names_;
  std::vector<Interface> interfaces_;
  uint32_t last_ = 0;  // the interface of the packet before
  std::string opening_;
  std::string no_packets_;
};

}  // namespace weir
