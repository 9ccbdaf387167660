#include "decoder/transfer_progress.h"

#include "core/dns/rr_cursor.h"
#include "core/dns/types.h"
#include "core/dns/wire_reader.h"

namespace weir {
namespace {

constexpr uint16_t kIxfr = 251;
constexpr uint16_t kAxfr = 252;
constexpr uint32_t kNumbers = 20;  // SERIAL to MINIMUM, at the end of SOA's RDATA

}  // namespace

bool TransferProgress::asks(const DnsMessage& query) noexcept {
  return query.has_question && (query.qtype == kAxfr || query.qtype == kIxfr);
}

bool TransferProgress::take(std::span<const uint8_t> wire, const DnsMessage& response) noexcept {
  ++messages_;
  bytes_ += response.wire_len;
  if (response.rcode != 0) return true;
  if (response.section_off[0] != 0) {
    RrCursor answers(wire, response.section_off[0], response.counts[1]);
    for (Rr rr; answers.next(rr);) {
      ++records_;
      const bool soa = rr.type == rr_type::kSoa && rr.rdata_len >= kNumbers;
      if (soa) take_soa(load_be32(wire.data() + rr.rdata_off + rr.rdata_len - kNumbers));
      if (records_ == 1 && !soa) over_ = true;
    }
  }
  return over_ || (messages_ == 1 && records_ == 0) ||
         (messages_ == 1 && records_ == 1 && response.has_question && response.qtype == kIxfr);
}

void TransferProgress::take_soa(uint32_t serial) noexcept {
  constexpr uint32_t kLastOfIncremental = 3;
  if (records_ == 1) {
    serial_ = serial;
    of_serial_ = 1;
    return;
  }
  if (records_ == 2 && serial != serial_) incremental_ = true;
  if (serial == serial_) ++of_serial_;
  over_ |= incremental_ ? of_serial_ == kLastOfIncremental : true;
}

}  // namespace weir
