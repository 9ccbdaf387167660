// RrCursor: walks the RRs of one section of a DNS message. The decoder finds sections and faults with it and
// formats render RRs with it, so both see the same records. Pure; any lcore; hot path.
#pragma once

#include <cstdint>
#include <span>

#include "core/dns/name.h"
#include "core/dns/wire_reader.h"
#include "core/event.h"

namespace weir {

// RFC 1035 section 4.1.3; offsets within the message.
struct Rr {
  uint32_t owner_off = 0;
  uint16_t type = 0;
  uint16_t rr_class = 0;
  uint32_t ttl = 0;
  uint32_t rdata_off = 0;
  uint16_t rdata_len = 0;
};

class RrCursor {
 public:
  // `off`: where a section starts; `count`: its RRs by the header. The message outlives the cursor.
  RrCursor(std::span<const uint8_t> msg, uint32_t off, uint16_t count) noexcept
      : msg_(msg), off_(off), left_(count) {}

  // On to the next section, which starts where the one before ended: offset(), after next() gave false.
  void next_section(uint16_t count) noexcept { left_ = count; }

  // false: the section is over, or there is a fault (which stays).
  bool next(Rr& rr) noexcept {
    if (left_ == 0 || fault_ != Malformed::none) return false;
    const NameExtent owner = measure_name(msg_, off_, known_);
    if (owner.fault != NameFault::none) {
      fault_ = owner.fault == NameFault::cut ? Malformed::rr_cut : Malformed::name_bad;
      return false;
    }
    constexpr uint32_t kFixed = 10;
    if (msg_.size() - owner.end < kFixed) {
      fault_ = Malformed::rr_cut;
      return false;
    }
    const uint8_t* p = msg_.data() + owner.end;
    rr.owner_off = off_;
    rr.type = load_be16(p);
    rr.rr_class = load_be16(p + 2);
    rr.ttl = load_be32(p + 4);
    rr.rdata_off = owner.end + kFixed;
    rr.rdata_len = load_be16(p + 8);
    if (msg_.size() - rr.rdata_off < rr.rdata_len) {
      fault_ = Malformed::rr_cut;
      return false;
    }
    off_ = rr.rdata_off + rr.rdata_len;
    --left_;
    return true;
  }

  [[nodiscard]] Malformed fault() const noexcept { return fault_; }
  // Who reads a name of this message adds it, to spare the cursor following pointers to it.
  SoundNames& known() noexcept { return known_; }
  // Where the next RR starts; the end of the section once all are read.
  [[nodiscard]] uint32_t offset() const noexcept { return off_; }

 private:
  std::span<const uint8_t> msg_;
  uint32_t off_;
  uint16_t left_;
  SoundNames known_;
  Malformed fault_ = Malformed::none;
};

}  // namespace weir
