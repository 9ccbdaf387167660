// Fragments: puts IP datagrams together from their fragments (RFC 791 section 3.2, RFC 8200 section 4.5), in
// any order. Time is the packets'. Memory is fixed by the options. Fuzzed. Owner: a packet input, on its
// ingest lcore.
//
// Every fragment is a unit, and ends in a datagram or in a reason:
//   fragment_bad         no bytes; a length within that is no multiple of 8; past 65,535: that one alone. Or
//                        its datagram comes in more than 128, which no link asks for (65,535 bytes in IPv4's
//                        smallest MTU, 576, are 119): all of it
//   fragment_duplicate   its bytes were there already, and are the same. Or its datagram was complete within
//                        the last second and had this place: a mirror that delivers twice loses nothing, but
//                        an id that is used again so soon for a datagram that is not longer does
//   fragment_overlap     its bytes differ from those there, or only some are there (RFC 5722), or it
//                        contradicts where the datagram ends: all of it
//   fragment_incomplete  the others did not come within the time-out
//   fragment_evicted     there was no room for it and for newer ones
// All of it: the fragments that wait, this one, and those that come within the time-out from then on.
//
// Time is that of the newest packet. Packets older than it by less than the time-out are in disorder; older
// ones mean that the clock was set, and it goes on from there. What is too old is counted when the next
// fragment comes, by flush(), or, for who has another clock, by forget_old().
//
// The work for a fragment is bounded by the 128; where they come in order it does not grow with them. The
// seed decides nothing but how long a search takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/addr.h"
#include "core/drop.h"

namespace weir {

struct FragmentOptions {
  uint32_t datagrams = 4096;    // that wait at the same time; one more gives up the oldest
  uint32_t memory = 8U << 20U;  // bytes of their fragments, in blocks of 512; at least one datagram's
  uint64_t timeout_ns = 10'000'000'000;  // from when a datagram's first fragment came
  bool operator==(const FragmentOptions&) const = default;
};

struct Fragment {
  IpAddr src;
  IpAddr dst;
  uint32_t id = 0;                   // IPv4: 16 bits
  uint8_t protocol = 0;              // of the datagram's payload; IPv6: the fragment header's next
                                     // header, which counts at offset 0 only
  bool more = false;                 // it is not the last
  uint16_t offset = 0;               // of the payload in the datagram's, in bytes
  std::span<const uint8_t> payload;  // as captured
  uint32_t wire_len = 0;             // of the payload; more than its size where the capture cut it
  uint32_t units = 1;                // packets that it came in
};

// The payload of the datagram, from its first byte on.
struct WholeDatagram {
  std::span<const uint8_t> payload;  // up to where the capture cut a fragment; valid until the next call
  uint32_t wire_len = 0;
  uint32_t units = 0;    // of the fragments that went into it
  uint8_t protocol = 0;  // of the payload, as the fragment at offset 0 has it
};

class Fragments {
 public:
  // Whether a datagram whose payload begins so is worth its memory; asked once, when its fragment at offset 0
  // comes. Bytes that were not captured are not there: `head` may be empty. nullopt: yes. Otherwise its
  // fragments end with this reason, those too that come later.
  using Wanted = std::optional<Drop> (*)(const void* context, uint8_t protocol,
                                         std::span<const uint8_t> head) noexcept;

  // `context` outlives the object. seed: of the hash, secret.
  Fragments(const FragmentOptions& options, Wanted wanted, const void* context, uint64_t seed);
  ~Fragments();

  // Any time, any fragment. true: `whole` is the datagram that the fragment completed. Every fragment that is
  // given up is counted in `drops`.
  [[nodiscard]] bool take(const Fragment& fragment, uint64_t time_ns, DropCounters& drops,
                          WholeDatagram& whole) noexcept;
  // No fragment has come for quiet_ns, by another clock than the packets': what is too old by now is counted.
  // The packets' time does not move.
  void forget_old(uint64_t quiet_ns, DropCounters& drops) noexcept;
  // Nothing follows: what waits is counted as fragment_incomplete.
  void flush(DropCounters& drops) noexcept;

  // Units that wait. Any thread.
  [[nodiscard]] uint64_t held_units() const noexcept;
  // Bytes that it may come to hold, for the plan.
  static size_t memory_bytes(const FragmentOptions& options) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir
