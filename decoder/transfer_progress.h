// TransferProgress: how far a zone transfer over TCP has come: what its messages held so far, and whether the
// last one has come. A value; pure.
#pragma once

#include <cstdint>
#include <span>

#include "core/event.h"

namespace weir {

class TransferProgress {
 public:
  // Whether a query asks for a transfer (AXFR, RFC 5936; IXFR, RFC 1995).
  [[nodiscard]] static bool asks(const DnsMessage& query) noexcept;

  // The next response. true: nothing follows it. A transfer begins and ends with the zone's SOA (RFC 5936
  // section 2.2); an incremental one has its second record of that type, too, and ends with the third of the
  // new serial number (RFC 1995 section 4). What is one record alone, or none, is no transfer.
  bool take(std::span<const uint8_t> wire, const DnsMessage& response) noexcept;

  [[nodiscard]] uint32_t messages() const noexcept { return messages_; }
  [[nodiscard]] uint32_t records() const noexcept { return records_; }
  [[nodiscard]] uint64_t bytes() const noexcept { return bytes_; }  // on the wire

 private:
  void take_soa(uint32_t serial) noexcept;

  uint32_t messages_ = 0;
  uint32_t records_ = 0;  // of the answer sections
  uint64_t bytes_ = 0;
  uint32_t serial_ = 0;     // of the first record
  uint32_t of_serial_ = 0;  // SOA records that have it
  bool incremental_ = false;
  bool over_ = false;
};

}  // namespace weir
