// Load: what `weir generate` is asked to write, and what it did. The two kinds of load stand behind one type
// each.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/addr.h"
#include "src/generate/attack.h"
#include "src/generate/traffic.h"

namespace weir {

struct LoadOptions {
  Target to;
  TrafficOptions traffic;
  uint64_t count = 0;                             // units: dnstap frames or packets; 0: no limit
  double rate = 0;                                // units a second; 0: flat out
  double seconds = 0;                             // 0: no limit
  uint64_t start_ns = 1'767'225'600'000'000'000;  // time in the data of the first query: 2026-01-01T00:00:00Z
  double time_rate = 50'000;                      // transactions a second of the data's own time
  // dnstap
  unsigned connections = 1;
  bool pairs = false;
  bool one_way = false;   // sockets: no READY, ACCEPT, FINISH
  size_t cycle = 65'536;  // different transactions before the load repeats itself with other ids and numbers
  uint32_t wait_ms = 5'000;
  uint32_t answer_timeout_ms = 30'000;  // for ACCEPT and FINISH
  // packets
  unsigned unanswered_percent = 0;
  unsigned vlan = 0;  // 0: no tag
  unsigned mtu = 0;   // longer responses over UDP come in fragments of so many bytes of IP; 0: none do
  AttackKind attack = AttackKind::none;
  unsigned attack_percent = 90;  // of the packets
  bool nanoseconds = false;
};

// Read by the thread that shows progress; stop may be set at any time and ends the load in order.
struct LoadProgress {
  std::atomic<uint64_t> units{0};
  std::atomic<bool> stop{false};
};

struct LoadReport {
  uint64_t units = 0;         // frames or packets that the destination took whole
  uint64_t transactions = 0;  // numbers that were used, from 0 on
  uint64_t unanswered = 0;    // packets: queries without a response
  uint64_t bytes = 0;
  double seconds = 0;
  std::string fault;  // empty: all of it was sent and, on a two-way stream, confirmed
};

// Both run in the caller's thread until done (dnstap makes one more a connection).
LoadReport send_dnstap(const LoadOptions& options, LoadProgress& progress);
LoadReport write_packets(const LoadOptions& options, LoadProgress& progress);

}  // namespace weir
