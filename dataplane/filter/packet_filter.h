// PacketFilter: an expression in libpcap's syntax, pcap-filter(7), compiled for packets of one link type.
// Compiled on the control thread, or by a file's reader when a link type comes up; what is compiled does not
// change, so any thread may ask it. Why libpcap runs it and not rte_bpf: docs/decisions/0013.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/result.h"
#include "dataplane/packet_headers.h"

struct bpf_program;

namespace weir {

class PacketFilter {
 public:
  // An Error says what libpcap does not understand, or that it means nothing for the link type. Any thread;
  // names of hosts in the expression are looked up, which may take seconds. An empty one matches everything.
  static Result<PacketFilter> compile(const std::string& expression, LinkType link);

  // bytes: as a capture file has them, with VLAN tags in their place. wire_len: before the snap length cut
  // it. What the expression asks for behind the last byte does not match.
  [[nodiscard]] bool matches(std::span<const uint8_t> bytes, uint32_t wire_len) const noexcept;
  // No packet of this link type can match.
  [[nodiscard]] bool never_matches() const noexcept { return never_; }

 private:
  struct Free {
    void operator()(bpf_program* program) const noexcept;
  };
  std::unique_ptr<bpf_program, Free> program_;
  bool never_ = false;
};

}  // namespace weir
