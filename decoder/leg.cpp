#include "decoder/leg.h"

#include <algorithm>

#include "decoder/dns_message.h"

namespace weir {
namespace {

// Not these, for they were found before the end of what was captured.
bool due_to_cut(Malformed malformed) noexcept {
  return malformed != Malformed::name_bad && malformed != Malformed::rdata_bad &&
         malformed != Malformed::opt_bad;
}

bool is_dns_port(const std::vector<uint16_t>& ports, const Endpoint& endpoint) noexcept {
  return std::find(ports.begin(), ports.end(), endpoint.port) != ports.end();
}

}  // namespace

Leg::Leg(const Frame& frame, const std::vector<uint16_t>& dns_ports) noexcept
    : wire(frame.payload()),
      kept(frame.payload_and_info()),
      time_ns(frame.time_ns),
      arrival_ns(frame.arrival_ns),
      units(frame.units),
      input(frame.input),
      tcp(frame.kind == FrameKind::dns_tcp) {
  dns.wire = {.off = 0, .len = frame.payload_len};
  dns.wire_len = frame.cut ? frame.wire_len : frame.payload_len;
  walk_dns_message(wire, dns);
  if (frame.cut && due_to_cut(dns.malformed)) dns.malformed = Malformed::capture_cut;
  // RFC 1035 section 4.1.1: QR says it, whatever the ports are.
  response =
      dns.has_header ? dns.qr() : is_dns_port(dns_ports, frame.src) && !is_dns_port(dns_ports, frame.dst);
  client = response ? &frame.dst : &frame.src;
  server = response ? &frame.src : &frame.dst;
}

void set_leg_message(Event& event, const DnsMessage& dns, bool response, uint64_t time_ns,
                     uint32_t off) noexcept {
  DnsMessage& leg = response ? event.response : event.query;
  leg = dns;
  leg.wire.off = off;
  (response ? event.response_time_ns : event.query_time_ns) = time_ns;
  (response ? event.has_response_time : event.has_query_time) = true;
}

void set_leg_origin(Event& event, const Endpoint& client, const Endpoint& server, bool tcp) noexcept {
  constexpr int32_t kInet = 1;  // dnstap's numbers, so that formats need no second table
  constexpr int32_t kInet6 = 2;
  constexpr int32_t kUdp = 1;
  constexpr int32_t kTcp = 2;
  event.has_family = true;
  event.family = client.addr.len == 16 ? kInet6 : kInet;
  event.has_protocol = true;
  event.protocol = tcp ? kTcp : kUdp;
  event.client = client;
  event.server = server;
}

}  // namespace weir
