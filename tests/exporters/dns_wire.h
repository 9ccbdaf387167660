// DNS messages for tests, built piece by piece; and events that hold them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "decoder/dns_message.h"
#include "tests/exporters/test_event.h"

namespace weir {

class DnsWire {
 public:
  DnsWire(uint16_t id, uint16_t flags) { u16(id).u16(flags).u16(0).u16(0).u16(0).u16(0); }

  DnsWire& u8(unsigned v) {
    bytes.push_back(static_cast<uint8_t>(v));
    return *this;
  }
  DnsWire& u16(unsigned v) { return u8(v >> 8U).u8(v & 0xffU); }
  DnsWire& u32(uint32_t v) { return u16(v >> 16U).u16(v & 0xffffU); }
  DnsWire& raw(std::string_view data) {
    bytes.insert(bytes.end(), data.begin(), data.end());
    return *this;
  }
  // "www.example" without a dot at the end; no escapes.
  DnsWire& name(std::string_view text) {
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      u8(static_cast<unsigned>(label.size())).raw(label);
      text.remove_prefix(label.size() == text.size() ? text.size() : label.size() + 1);
    }
    return u8(0);
  }
  DnsWire& question(std::string_view qname, unsigned qtype, unsigned qclass = 1) {
    ++bytes[5];
    return name(qname).u16(qtype).u16(qclass);
  }
  // Owner: a pointer. section: 1 answers, 2 authority, 3 additional.
  DnsWire& rr(unsigned section, unsigned pointer, unsigned type, uint32_t ttl, std::string_view rdata) {
    ++bytes[5 + 2 * section];
    return u16(0xc000U | pointer)
        .u16(type)
        .u16(1)
        .u32(ttl)
        .u16(static_cast<unsigned>(rdata.size()))
        .raw(rdata);
  }
  DnsWire& opt(unsigned udp_size, uint32_t ttl, std::string_view options) {
    ++bytes[11];
    return u8(0).u16(41).u16(udp_size).u32(ttl).u16(static_cast<unsigned>(options.size())).raw(options);
  }
  DnsWire& count(unsigned section, unsigned n) {
    bytes[4 + 2 * section] = static_cast<uint8_t>(n >> 8U);
    bytes[5 + 2 * section] = static_cast<uint8_t>(n);
    return *this;
  }

  std::vector<uint8_t> bytes;
};

// std::string_view of a literal with zeros in it.
template <size_t N>
constexpr std::string_view raw(const char (&literal)[N]) {
  return {literal, N - 1};
}

inline void put_message(TestEvent& event, DnsMessage& message, std::span<const uint8_t> wire) {
  message.wire = event.put(wire);
  message.wire_len = message.wire.len;
  walk_dns_message(wire, message);
}

}  // namespace weir
