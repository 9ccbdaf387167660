#include "dataplane/dnstap_intake.h"

#include <rte_hash_crc.h>

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

// dnstap.proto's field numbers.
constexpr uint64_t kDnstapMessage = 14;
constexpr uint64_t kQueryAddress = 4;
constexpr uint64_t kQueryPort = 6;
constexpr uint64_t kQueryMessage = 10;
constexpr uint64_t kResponseMessage = 14;

// One protobuf message's fields, front to back. After the first fault there are no more.
struct Fields {
  std::span<const uint8_t> rest;
  uint64_t number = 0;
  uint64_t value = 0;                // varints
  std::span<const uint8_t> bytes{};  // length-delimited

  bool varint(uint64_t& v) noexcept {
    v = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const uint8_t byte = rest.front();
      rest = rest.subspan(1);
      v |= static_cast<uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool skip(uint64_t n) noexcept {
    if (n > rest.size()) return false;
    rest = rest.subspan(n);
    return true;
  }

  bool next() noexcept {
    uint64_t tag = 0;
    if (!varint(tag)) return false;
    number = tag >> 3U;
    bytes = {};
    switch (tag & 7U) {
      case 0:
        return varint(value);
      case 1:
        return skip(8);
      case 2: {
        uint64_t len = 0;
        if (!varint(len) || len > rest.size()) return false;
        bytes = rest.first(len);
        return skip(len);
      }
      case 5:
        return skip(4);
      default:
        return false;  // groups: dnstap has none
    }
  }
};

// rte_hash_crc() itself reads words at any address, which C++ does not allow.
uint32_t hash_of(std::span<const uint8_t> addr, uint32_t port) noexcept {
  uint64_t words[2] = {};
  std::memcpy(words, addr.data(), std::min(addr.size(), sizeof words));
  const uint32_t hash = rte_hash_crc_8byte(words[0], port);
  return addr.size() <= sizeof words[0] ? hash : rte_hash_crc_8byte(words[1], hash);
}

// The fields of its Message; none where there is none.
Fields message_of(std::span<const uint8_t> payload) noexcept {
  Fields dnstap{.rest = payload};
  while (dnstap.next())
    if (dnstap.number == kDnstapMessage) return {.rest = dnstap.bytes};
  return {.rest = {}};
}

}  // namespace

bool dnstap_client_hash(std::span<const uint8_t> payload, uint32_t& hash) noexcept {
  Fields message = message_of(payload);
  std::span<const uint8_t> addr;
  uint32_t port = 0;
  bool has_port = false;
  while (!(has_port && !addr.empty()) && message.next()) {
    if (message.number == kQueryAddress) {
      addr = message.bytes;
    } else if (message.number == kQueryPort) {
      port = static_cast<uint32_t>(message.value);
      has_port = true;
    }
  }
  if (addr.empty()) return false;
  hash = hash_of(addr, port);
  return true;
}

bool dnstap_id_hash(std::span<const uint8_t> payload, uint32_t& hash) noexcept {
  Fields message = message_of(payload);
  while (message.next()) {
    if (message.number != kQueryMessage && message.number != kResponseMessage) continue;
    if (message.bytes.size() < 2) continue;
    hash = hash_of(message.bytes.first(2), 0);
    return true;
  }
  return false;
}

unsigned DnstapIntake::shard(std::span<const uint8_t> payload, unsigned shards) noexcept {
  if (shards == 1) return 0;
  uint32_t hash = 0;
  if (!dnstap_client_hash(payload, hash) && !(options_.pair && dnstap_id_hash(payload, hash)))
    return turn_++ % shards;
  return static_cast<unsigned>(static_cast<uint64_t>(hash) * shards >> 32U);
}

bool DnstapIntake::take(std::span<const uint8_t> payload, const StreamOrigin& from, const Now& now,
                        FrameWriter& writer, InputCounters& counters) noexcept {
  Frame* frame = writer.reserve(shard(payload, writer.shards()), static_cast<uint32_t>(payload.size()), now);
  if (frame == nullptr) {
    if (options_.overflow == Overflow::backpressure) return false;
    counters.units.add(1);
    counters.drops.add(writer.why_full(), 1);
    return true;
  }
  frame->input = input_;
  frame->kind = FrameKind::dnstap;
  frame->live = options_.live;
  frame->pair = options_.pair;
  frame->src = from.peer;
  frame->stream = from.stream;
  std::memcpy(frame->payload_start(), payload.data(), payload.size());
  writer.commit();
  counters.units.add(1);
  counters.frames.add(1);
  return true;
}

}  // namespace weir
