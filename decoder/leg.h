// Leg: one mirrored DNS message as the matcher sees it: who asks whom, when, and what the walk over it
// found. Pure functions; decode lcore; hot path.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/event.h"
#include "core/frame.h"

namespace weir {

struct Leg {
  std::span<const uint8_t> wire;  // borrowed from the frame
  DnsMessage dns;                 // wire.off is 0
  Endpoint client;
  Endpoint server;
  uint64_t time_ns = 0;
  uint64_t arrival_ns = 0;
  uint16_t input = 0;
  bool response = false;
};

// `dns_ports` tell query from response only where there is no header to say it.
void read_leg(const Frame& frame, const std::vector<uint16_t>& dns_ports, Leg& out) noexcept;

// What a UDP datagram tells about any event made of it.
void set_leg_origin(Event& event, const Endpoint& client, const Endpoint& server) noexcept;

}  // namespace weir
