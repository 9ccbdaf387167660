// ldns as the oracle of tests and fuzzers for DNS wire data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace weir {

struct LdnsVerdict {
  bool accepted = false;
  std::string why;  // ldns's words if it did not
  // If it did; OPT's fields are those of the last OPT.
  uint16_t id = 0;
  uint8_t opcode = 0;
  uint16_t rcode = 0;  // with EDNS's upper bits
  std::string qname;   // absent without a question
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  unsigned opts = 0;
  uint16_t udp_size = 0;
  uint8_t edns_version = 0;
  uint16_t edns_flags = 0;
};
LdnsVerdict ldns_read(std::span<const uint8_t> msg);

// The RDATA at rdata_off, whose RDLENGTH stands before it, as ldns prints it: fields parted by one space,
// none at the end. nullopt: ldns refuses it, leaves bytes over or lacks fields.
std::optional<std::string> ldns_rdata_text(std::span<const uint8_t> msg, uint16_t type, uint32_t rdata_off,
                                           uint16_t rdata_len);

std::optional<std::string> ldns_name_text(std::span<const uint8_t> msg, size_t off);

}  // namespace weir
