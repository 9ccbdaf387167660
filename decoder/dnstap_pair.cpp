#include "decoder/dnstap_pair.h"

namespace weir {
namespace {

Span moved(Span span, uint32_t by) noexcept {
  if (span.present()) span.off += by;
  return span;
}

DnsMessage moved(DnsMessage dns, uint32_t by) noexcept {
  dns.wire = moved(dns.wire, by);
  return dns;
}

Span first_present(Span Event::*part, const PlacedEvent& first, const PlacedEvent& second) noexcept {
  const PlacedEvent& has = (first.event.*part).present() ? first : second;
  return moved(has.event.*part, has.off);
}

bool has_policy(const Event& event) noexcept {
  return event.policy_type.present() || event.policy_rule.present() || event.policy_value.present() ||
         event.has_policy_action || event.has_policy_match;
}

// All of it is one server's statement: nothing of the two is mixed.
void set_policy(const PlacedEvent& of, Event& out) noexcept {
  out.policy_type = moved(of.event.policy_type, of.off);
  out.policy_rule = moved(of.event.policy_rule, of.off);
  out.policy_value = moved(of.event.policy_value, of.off);
  out.has_policy_action = of.event.has_policy_action;
  out.policy_action = of.event.policy_action;
  out.has_policy_match = of.event.has_policy_match;
  out.policy_match = of.event.policy_match;
}

void set_number(int32_t Event::*number, bool Event::*has, const Event& first, const Event& second,
                Event& out) noexcept {
  const Event& from = first.*has ? first : second;
  out.*has = from.*has;
  out.*number = from.*number;
}

Endpoint merged(const Endpoint& first, const Endpoint& second) noexcept {
  const Endpoint& port = first.has_port ? first : second;
  return {
      .addr = first.addr.present() ? first.addr : second.addr, .has_port = port.has_port, .port = port.port};
}

}  // namespace

void join_dnstap(const PlacedEvent& query, const PlacedEvent& response, Event& out) noexcept {
  const Event& q = query.event;
  const Event& r = response.event;
  out.kind = EventKind::dnstap;
  out.units = 2;
  out.type = r.type;
  // Where both have it the latency is then of one message, and of one clock.
  out.has_query_time = r.has_query_time || q.has_query_time;
  out.query_time_ns = r.has_query_time ? r.query_time_ns : q.query_time_ns;
  out.has_response_time = r.has_response_time;
  out.response_time_ns = r.response_time_ns;
  set_number(&Event::family, &Event::has_family, r, q, out);
  set_number(&Event::protocol, &Event::has_protocol, r, q, out);
  set_number(&Event::http_protocol, &Event::has_http_protocol, r, q, out);
  out.client = merged(r.client, q.client);
  out.server = merged(r.server, q.server);
  out.identity = first_present(&Event::identity, response, query);
  out.version = first_present(&Event::version, response, query);
  out.extra = first_present(&Event::extra, response, query);
  out.query_zone = first_present(&Event::query_zone, response, query);
  set_policy(has_policy(r) ? response : query, out);
  out.query = q.query.wire.present() ? moved(q.query, query.off) : moved(r.query, response.off);
  out.response = moved(r.response, response.off);
}

}  // namespace weir
