// SeededHash: 64-bit hashes of match keys and of messages. The seed is secret: who sends the packets could
// otherwise choose them so that they all fall into one bucket, or pass one message off as a copy of another.
// 64 × 64 → 128 bit multiplications, as in wyhash. Pure; any lcore; hot path.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <span>

#include "core/addr.h"

namespace weir {

inline uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32U | device();
}

class SeededHash {
 public:
  explicit SeededHash(uint64_t seed) noexcept {
    for (uint64_t& key : keys_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15U;
      uint64_t z = seed;
      z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9U;
      z = (z ^ z >> 27U) * 0x94d049bb133111ebU;
      key = z ^ z >> 31U;
    }
  }

  // Who asks whom, with which id.
  [[nodiscard]] uint64_t flow_id(const Endpoint& client, const Endpoint& server, uint16_t id) const noexcept {
    const uint8_t* c = client.addr.bytes.data();
    const uint8_t* s = server.addr.bytes.data();
    const uint64_t rest = uint64_t{client.port} << 32U ^ uint64_t { server.port } << 16U ^ id;
    const uint64_t a = mix(load(c) ^ keys_[0], load(c + 8) ^ keys_[1]);
    const uint64_t b = mix(load(s) ^ keys_[2], load(s + 8) ^ keys_[3]);
    return mix(a ^ rest ^ keys_[1], b ^ keys_[2]);
  }

  [[nodiscard]] uint64_t bytes(std::span<const uint8_t> bytes) const noexcept {
    const uint8_t* p = bytes.data();
    const uint8_t* const end = p + bytes.size();
    uint64_t a = keys_[0] ^ bytes.size();
    uint64_t b = keys_[3];
    for (; end - p > 32; p += 32) {  // two chains, for the multiplier is pipelined
      a = mix(load(p) ^ keys_[1], load(p + 8) ^ a);
      b = mix(load(p + 16) ^ keys_[2], load(p + 24) ^ b);
    }
    // The last bytes, those read before once more where that saves a loop.
    if (bytes.size() >= 32) {
      a = mix(load(end - 32) ^ keys_[1], load(end - 24) ^ a);
      b = mix(load(end - 16) ^ keys_[2], load(end - 8) ^ b);
    } else if (bytes.size() >= 16) {
      a = mix(load(p) ^ keys_[1], load(p + 8) ^ a);
      b = mix(load(end - 16) ^ keys_[2], load(end - 8) ^ b);
    } else if (bytes.size() >= 8) {
      a = mix(load(p) ^ keys_[1], load(end - 8) ^ a);
    } else {
      for (; p != end; ++p) a = mix(*p ^ keys_[1], a ^ keys_[2]);
    }
    return mix(a ^ keys_[0], b ^ keys_[1]);
  }

  [[nodiscard]] uint64_t join(uint64_t a, uint64_t b) const noexcept {
    return mix(a ^ keys_[0], b ^ keys_[3]);
  }

 private:
  static uint64_t load(const uint8_t* p) noexcept {
    uint64_t v = 0;
    std::memcpy(&v, p, 8);
    return v;
  }
  static uint64_t mix(uint64_t a, uint64_t b) noexcept {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
  }

  uint64_t keys_[4];
};

}  // namespace weir
