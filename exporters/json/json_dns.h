// The parts of a DNS message as JSON text: names, sections, EDNS. Called by JsonFormat; hot path.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/dns/name.h"
#include "core/event.h"

namespace weir {

// Room that put_json_name() needs: every byte of the text escaped.
constexpr size_t kJsonNameRoom = 2 * kNameTextRoom;

// A sound name as the inside of a JSON string; nothing for one that is not (measure_name()).
char* put_json_name(char* out, std::span<const uint8_t> msg, size_t off) noexcept;

// Names of the line that were written already, by where they stand in the message: owners mostly point to one
// of them, and its text is copied.
class WrittenNames {
 public:
  enum Slot : uint8_t { qname, owner, rdata, slots };
  void set(Slot slot, uint32_t off, const char* text, const char* end) noexcept {
    names_[slot] = {off, static_cast<uint32_t>(end - text), text};
  }
  // The owner at `off`, a sound one.
  char* put_owner(char* out, std::span<const uint8_t> msg, uint32_t off) noexcept;

 private:
  struct Name {
    uint32_t off = UINT32_MAX;  // no name stands there
    uint32_t len = 0;
    const char* text = nullptr;
  };
  std::array<Name, slots> names_;
};

// In multicast DNS the upper bit of a class is a flag of its own (RFC 6762 sections 18.12 and 18.13).
constexpr uint16_t kMdnsClassFlag = 0x8000;
constexpr uint16_t kMdnsPort = 5353;
constexpr bool is_mdns(const Event& event) noexcept {
  return event.server.has_port && event.server.port == kMdnsPort;
}

// The RRs of section `i` (0 answers, 1 authority, 2 additional, without OPT and TSIG), the closing bracket
// and a comma, behind the key and the opening bracket. Stops before `end`, between RRs; `cut` says whether it
// had to. mdns: their classes have kMdnsClassFlag. Precondition: the section was reached.
char* put_section(char* out, const char* end, std::span<const uint8_t> msg, const DnsMessage& dns, unsigned i,
                  bool mdns, WrittenNames& names, bool& cut) noexcept;

// Key, object and comma. Precondition: dns.has_edns. Stops before `end`, between options.
char* put_edns(char* out, const char* end, std::span<const uint8_t> msg, const DnsMessage& dns,
               bool& cut) noexcept;
// What it may write for OPT's RDATA of this length.
constexpr size_t edns_bound(size_t opt_len) noexcept { return 256 + 10 * opt_len; }

}  // namespace weir
