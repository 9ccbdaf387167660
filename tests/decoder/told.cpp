#include "tests/decoder/told.h"

#include "core/dnstap.pb.h"
#include "tests/decoder/mirrored.h"

namespace weir {
namespace {

std::string address_of(const std::string& text) {
  const IpAddr addr = *parse_addr(text);
  return {reinterpret_cast<const char*>(addr.bytes.data()), addr.len};
}

std::string dns_of(const Told& told, bool response) {
  Sent sent = {.response = response, .id = told.id, .qname = told.qname, .qtype = told.qtype};
  if (!told.question) sent.counts = {0, 0, 0, 0};
  sent.rest = told.rest;
  return wire_of(sent);
}

}  // namespace

std::string payload_of(const Told& told) {
  dnstap::Dnstap d;
  d.set_type(dnstap::Dnstap::MESSAGE);
  if (!told.identity.empty()) d.set_identity(told.identity);
  dnstap::Message& m = *d.mutable_message();
  m.set_type(static_cast<dnstap::Message::Type>(told.type));
  if (told.protocol != 0) m.set_socket_protocol(static_cast<dnstap::SocketProtocol>(told.protocol));
  if (!told.client.empty()) {
    m.set_query_address(address_of(told.client));
    m.set_query_port(told.client_port);
  }
  if (!told.server.empty()) {
    m.set_response_address(address_of(told.server));
    m.set_response_port(told.server_port);
  }
  const bool response = told.type % 2 == 0;
  const auto time = [&](uint64_t us) { return kStart / 1'000 + us; };
  if (told.times && response) {
    m.set_response_time_sec(time(told.us) / 1'000'000);
    m.set_response_time_nsec(static_cast<uint32_t>(time(told.us) % 1'000'000 * 1'000));
  }
  if (told.times && (!response || told.asked_us >= 0)) {
    const uint64_t asked = time(response ? static_cast<uint64_t>(told.asked_us) : told.us);
    m.set_query_time_sec(asked / 1'000'000);
    m.set_query_time_nsec(static_cast<uint32_t>(asked % 1'000'000 * 1'000));
  }
  if (told.payload && response) m.set_response_message(dns_of(told, true));
  if (told.payload && (!response || told.with_query)) m.set_query_message(dns_of(told, false));
  return d.SerializeAsString();
}

Frame head_of(const Told& told) {
  Frame head;
  head.arrival_ns = told.arrival_us * 1'000;
  head.input = told.input;
  head.live = told.live;
  head.pair = true;
  return head;
}

std::string to_dnstap_line(const Event& event) {
  std::string line = dnstap::Message::Type_Name(static_cast<dnstap::Message::Type>(event.type));
  for (const Endpoint* end : {&event.client, &event.server})
    line += end->addr.present() ? " " + to_string(*end) : " -";
  line += " " + std::to_string(event.having(&DnsMessage::has_header).id);
  const DnsMessage& dns = event.having(&DnsMessage::has_question);
  if (dns.has_question) {
    const auto wire = event.bytes(dns.wire);
    line += " ";
    for (size_t at = 12; wire[at] != 0; at += wire[at] + size_t{1}) {
      if (at != 12) line += ".";
      line.append(wire.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  wire.begin() + static_cast<std::ptrdiff_t>(at) + 1 + wire[at]);
    }
  }
  const auto us = [](uint64_t ns) { return std::to_string((ns - kStart) / 1'000); };
  if (event.has_query_time) line += " q" + us(event.query_time_ns);
  if (event.has_response_time) line += " r" + us(event.response_time_ns);
  if (event.query.wire.present()) line += " +q";
  if (event.response.wire.present()) line += " +r";
  if (event.units != 1) line += " u" + std::to_string(event.units);
  return line;
}

}  // namespace weir
