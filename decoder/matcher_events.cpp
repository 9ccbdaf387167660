// What the matcher writes: one leg alone, or both as a transaction.
#include <algorithm>
#include <cstring>

#include "decoder/matcher.h"

namespace weir {
namespace {

void set_leg(Event& event, const DnsMessage& dns, bool response, uint64_t time_ns, uint32_t off) noexcept {
  DnsMessage& leg = response ? event.response : event.query;
  leg = dns;
  leg.wire.off = off;
  (response ? event.response_time_ns : event.query_time_ns) = time_ns;
  (response ? event.has_response_time : event.has_query_time) = true;
}

}  // namespace

bool Matcher::write_leg(const Leg& leg) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(leg.wire.size(), event);
  if (room == EventSink::Room::later) return false;
  if (room == EventSink::Room::never) {
    sink_.drop(Drop::event_too_large, 1);
    return true;
  }
  event->kind = leg.response ? EventKind::response : EventKind::query;
  event->arrival_ns = leg.arrival_ns;
  event->input = leg.input;
  set_leg_origin(*event, *leg.client, *leg.server);
  set_leg(*event, leg.dns, leg.response, leg.time_ns, 0);
  std::memcpy(event->bytes_start(), leg.wire.data(), leg.wire.size());
  sink_.commit();
  return true;
}

bool Matcher::write_waiting(Waiting& entry) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(entry.dns.wire.len, event);
  if (room == EventSink::Room::later) return false;
  if (room == EventSink::Room::never) {
    sink_.drop(Drop::event_too_large, entry.units);
    remove(entry);
    return true;
  }
  event->kind = entry.response ? EventKind::response : EventKind::query;
  event->arrival_ns = entry.arrival_ns;
  event->input = entry.input;
  event->units = entry.units;
  set_leg_origin(*event, entry.client, entry.server);
  set_leg(*event, entry.dns, entry.response, entry.time_ns, 0);
  room_.table.copy_wire(entry, event->bytes_start());
  sink_.commit();
  remove(entry);
  return true;
}

bool Matcher::write_transaction(const Leg& leg, const Key& key, Waiting& other) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(leg.wire.size() + other.dns.wire.len, event);
  if (room == EventSink::Room::later) return false;
  const auto units = static_cast<uint16_t>(other.units + 1);
  if (room == EventSink::Room::yes) {
    event->kind = EventKind::transaction;
    event->arrival_ns = std::max(leg.arrival_ns, other.arrival_ns);
    event->input = leg.input;
    event->units = units;
    set_leg_origin(*event, *leg.client, *leg.server);
    // The query's bytes come first.
    const uint32_t leg_off = leg.response ? other.dns.wire.len : 0;
    const uint32_t other_off = leg.response ? 0 : leg.dns.wire.len;
    set_leg(*event, leg.dns, leg.response, leg.time_ns, leg_off);
    set_leg(*event, other.dns, other.response, other.time_ns, other_off);
    std::memcpy(event->bytes_start() + leg_off, leg.wire.data(), leg.wire.size());
    room_.table.copy_wire(other, event->bytes_start() + other_off);
    sink_.commit();
  } else {
    sink_.drop(Drop::event_too_large, units);
  }
  mark_done(leg, key, other);
  transactions_.add(1);
  remove(other);
  return true;
}

}  // namespace weir
