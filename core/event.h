// Event: one decoded unit (a dnstap message, or a dnstap query with its response, or a transaction, query or
// response from packets): the record that decode lcores write and export lcores read. A fixed head, then
// `bytes_len` bytes of the wire data that it came from, padded to 8. Of dnstap these are the payload as it
// came, of a pair the query's and behind it the response's. Spans point into those bytes; formats render RRs
// from them only if they show them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/addr.h"
#include "core/stream_id.h"

namespace weir {

// offset from the first byte behind the head. off == kAbsent: not there (an empty value is there).
struct Span {
  static constexpr uint32_t kAbsent = 0xffffffff;
  uint32_t off = kAbsent;
  uint32_t len = 0;
  [[nodiscard]] bool present() const noexcept { return off != kAbsent; }
};

// Why a DNS message could not be read to its end. Names are the values of the line's "malformed".
enum class Malformed : uint8_t {
  none,
  header_short,  // fewer than 12 bytes
  question_cut,  // a question runs past the end
  name_bad,      // a label type that is not defined, a pointer that does not go backwards, or over 255 bytes
  rr_cut,        // an RR's header or RDATA runs past the end
  rdata_bad,     // RDATA that contradicts its type (only types that are rendered are looked at)
  opt_bad,       // an OPT RR whose options run past its RDATA
  trailing_bytes,  // bytes behind the last RR
  capture_cut,     // the capture's snap length cut the message
  count_
};
std::string_view to_string(Malformed malformed) noexcept;

// What the walk over one DNS message found (RFC 1035 section 4, RFC 6891). All offsets are within `wire`.
struct DnsMessage {
  Span wire;              // the message within the event's bytes; absent: there was none
  uint32_t wire_len = 0;  // its length on the wire (more than wire.len when a capture cut it)
  uint16_t id = 0;
  uint16_t flags = 0;       // the header's second word as it is: QR opcode AA TC RD RA Z AD CD rcode
  uint16_t counts[4] = {};  // QDCOUNT ANCOUNT NSCOUNT ARCOUNT as the header says
  uint16_t qtype = 0;       // of the first question, if has_question
  uint16_t qclass = 0;
  uint16_t qname_len =
      0;                 // bytes of the uncompressed QNAME in wire form, root label included; it starts at 12
  uint16_t rcode = 0;    // with EDNS's upper bits
  uint16_t opt_len = 0;  // OPT's RDATA
  uint16_t edns_udp_size = 0;
  uint16_t edns_flags = 0;  // DO is 0x8000
  uint8_t edns_version = 0;
  bool has_header = false;    // at least 12 bytes
  bool has_question = false;  // QNAME, QTYPE and QCLASS of the first question are sound
  bool has_edns = false;
  Malformed malformed = Malformed::none;
  uint32_t opt_off = 0;          // OPT's RDATA
  uint32_t section_off[3] = {};  // where answers, authority, additional start; 0: not reached

  [[nodiscard]] uint8_t opcode() const noexcept { return static_cast<uint8_t>(flags >> 11U & 15U); }
  [[nodiscard]] bool qr() const noexcept { return (flags & 0x8000U) != 0; }
};

enum class EventKind : uint8_t { dnstap, transaction, query, response };  // the last three: from packets

struct Event {
  uint32_t record_len = 0;
  uint32_t bytes_len = 0;
  uint64_t arrival_ns = 0;     // CLOCK_MONOTONIC when its last frame was taken in
  uint64_t query_time_ns = 0;  // since 1970; see has_*
  uint64_t response_time_ns = 0;
  uint16_t input = 0;            // index of the input in the configuration
  uint16_t retransmissions = 0;  // packets: copies of the query beyond the first
  uint32_t units = 1;            // what went into it: dnstap frames, packets
  uint32_t query_frame_len = 0;  // of a dnstap pair: the query's payload, which comes first; else 0
  EventKind kind = EventKind::dnstap;
  bool has_query_time = false;
  bool has_response_time = false;
  bool has_family = false;
  bool has_protocol = false;
  bool has_http_protocol = false;
  bool has_policy_action = false;
  bool has_policy_match = false;
  int32_t type = 0;           // dnstap Message.Type as it came, of a pair the response's; 0 for packets
  int32_t family = 0;         // dnstap SocketFamily as it came; packets: 1 or 2
  int32_t protocol = 0;       // dnstap SocketProtocol as it came; packets: 1 UDP, 2 TCP
  int32_t http_protocol = 0;  // dnstap HttpProtocol as it came
  int32_t policy_action = 0;
  int32_t policy_match = 0;
  Endpoint client;  // who asks: dnstap query_address, query_port
  Endpoint server;  // who answers: dnstap response_address, response_port
  Endpoint peer;    // who sent us the stream; absent for UNIX sockets, files and packets
  StreamId stream;  // that it came on, of a pair the response's
  Span identity;
  Span version;
  Span extra;
  Span query_zone;  // a name in wire form
  Span policy_type;
  Span policy_rule;  // a name in wire form
  Span policy_value;
  Span packet_info;  // encoded (core/packet_info.h); of the query if it has one, else of the response
  DnsMessage query;
  DnsMessage response;

  [[nodiscard]] std::span<const uint8_t> bytes() const noexcept {
    return {reinterpret_cast<const uint8_t*>(this + 1), bytes_len};
  }
  uint8_t* bytes_start() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
  // Precondition: span.present().
  [[nodiscard]] std::span<const uint8_t> bytes(Span span) const noexcept {
    return bytes().subspan(span.off, span.len);
  }
  [[nodiscard]] std::string_view text(Span span) const noexcept {
    auto b = bytes(span);
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  // The message that the line's id, rcode, qname and so on are taken from: the response if there is one.
  [[nodiscard]] const DnsMessage& primary() const noexcept {
    return response.wire.present() ? response : query;
  }
  // The message that has the part: what the response lacks (a FORMERR of 12 bytes, an answer without OPT) is
  // the query's. primary() where neither has it.
  [[nodiscard]] const DnsMessage& having(bool DnsMessage::*part) const noexcept {
    const DnsMessage& first = primary();
    return !(first.*part) && query.*part ? query : first;
  }
  // What is wrong with the event's messages: with the response if there is something, else with the query.
  [[nodiscard]] Malformed malformed() const noexcept {
    return response.malformed != Malformed::none ? response.malformed : query.malformed;
  }
};
static_assert(sizeof(Event) % 8 == 0);

}  // namespace weir
