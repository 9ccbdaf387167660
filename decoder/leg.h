// Leg: one mirrored DNS message as the matcher sees it: who asks whom, when, and what the walk over it
// found. Pure functions; decode lcore; hot path.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/event.h"
#include "core/frame.h"

namespace weir {

// Borrowed from the frame: bytes and endpoints.
struct Leg {
  // `dns_ports` tell query from response only where there is no header to say it.
  Leg(const Frame& frame, const std::vector<uint16_t>& dns_ports) noexcept;

  std::span<const uint8_t> wire;
  std::span<const uint8_t> kept;  // wire, and the PacketInfo behind it
  const Endpoint* client;
  const Endpoint* server;
  uint64_t time_ns;
  uint64_t arrival_ns;
  uint32_t units;
  uint16_t input;
  bool tcp;
  bool response;
  DnsMessage dns;  // wire.off is 0
};

// A message's part of an event in whose bytes it stands at `off`.
void set_leg_message(Event& event, const DnsMessage& dns, bool response, uint64_t time_ns,
                     uint32_t off) noexcept;
// What a packet tells about any event made of it.
void set_leg_origin(Event& event, const Endpoint& client, const Endpoint& server, bool tcp) noexcept;

}  // namespace weir
