// What the matcher writes: one leg alone, or both as a transaction.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "decoder/matcher.h"

namespace weir {
namespace {

// The PacketInfo stands behind the message.
void set_info(Event& event, const DnsMessage& dns, bool response, size_t len) noexcept {
  if (len == 0 || (response && event.packet_info.present())) return;
  const DnsMessage& leg = response ? event.response : event.query;
  event.packet_info = {.off = leg.wire.off + dns.wire.len, .len = static_cast<uint32_t>(len)};
}

}  // namespace

bool Matcher::write_leg(const Leg& leg) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(leg.kept.size(), event);
  if (room == EventSink::Room::later) return false;
  if (room == EventSink::Room::never) {
    sink_.drop(Drop::event_too_large, leg.units);
    return true;
  }
  event->kind = leg.response ? EventKind::response : EventKind::query;
  event->arrival_ns = leg.arrival_ns;
  event->input = leg.input;
  event->units = leg.units;
  set_leg_origin(*event, *leg.client, *leg.server, leg.tcp);
  set_leg_message(*event, leg.dns, leg.response, leg.time_ns, 0);
  set_info(*event, leg.dns, leg.response, leg.kept.size() - leg.wire.size());
  std::memcpy(event->bytes_start(), leg.kept.data(), leg.kept.size());
  sink_.commit();
  return true;
}

bool Matcher::write_waiting(Waiting& entry) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(entry.wire_size(), event);
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
  event->retransmissions = entry.retransmissions;
  set_leg_origin(*event, entry.client, entry.server, entry.tcp);
  set_leg_message(*event, entry.dns, entry.response, entry.time_ns, 0);
  set_info(*event, entry.dns, entry.response, entry.info_len);
  room_.table.copy_wire(entry, event->bytes_start());
  sink_.commit();
  remove(entry);
  return true;
}

// The leg answers a query that asks for a zone transfer.
bool Matcher::begin_transfer(const Leg& leg, const Key& key, Waiting& query) noexcept {
  std::vector<uint8_t> kept(query.wire_size());
  room_.table.copy_wire(query, kept.data());
  if (!transfers_.begin({.dns = query.dns,
                         .kept = std::move(kept),
                         .time_ns = query.time_ns,
                         .arrival_ns = query.arrival_ns,
                         .units = query.units},
                        leg, key.flow_id))
    return false;
  mark_done(leg, key, query);
  transactions_.add(1);
  remove(query);
  return true;
}

bool Matcher::write_transaction(const Leg& leg, const Key& key, Waiting& other) noexcept {
  Event* event = nullptr;
  const EventSink::Room room = sink_.reserve(leg.kept.size() + other.wire_size(), event);
  if (room == EventSink::Room::later) return false;
  const uint32_t units = other.units + leg.units;
  if (room == EventSink::Room::yes) {
    event->kind = EventKind::transaction;
    event->arrival_ns = std::max(leg.arrival_ns, other.arrival_ns);
    event->input = leg.input;
    event->units = units;
    event->retransmissions = other.retransmissions;
    set_leg_origin(*event, *leg.client, *leg.server, leg.tcp);
    // The query's bytes come first.
    const auto leg_off = static_cast<uint32_t>(leg.response ? other.wire_size() : 0);
    const auto other_off = static_cast<uint32_t>(leg.response ? 0 : leg.kept.size());
    set_leg_message(*event, leg.dns, leg.response, leg.time_ns, leg_off);
    set_leg_message(*event, other.dns, other.response, other.time_ns, other_off);
    set_info(*event, leg.dns, leg.response, leg.kept.size() - leg.wire.size());
    set_info(*event, other.dns, other.response, other.info_len);
    std::memcpy(event->bytes_start() + leg_off, leg.kept.data(), leg.kept.size());
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
