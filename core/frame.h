// Frame: the bytes of one DNS message or one dnstap payload with origin and arrival time: the record that
// ingest lcores write and decode lcores read. Header, then payload_len and info_len bytes, padded to 8.
#pragma once

#include <cstdint>
#include <span>

#include "core/addr.h"
#include "core/stream_id.h"

namespace weir {

enum class FrameKind : uint8_t {
  dnstap,   // payload: a Dnstap protobuf message; src: the sender of the stream, absent for UNIX sockets and
            // files
  dns_udp,  // payload: a DNS message from a UDP datagram; src, dst: the datagram's
  dns_tcp,  // payload: a DNS message from a TCP connection; src, dst: its sender and receiver
};

struct Frame {
  uint32_t record_len = 0;
  uint32_t payload_len = 0;
  uint64_t arrival_ns = 0;  // CLOCK_MONOTONIC of the burst that took it in
  uint64_t time_ns = 0;     // packets: capture time since 1970; dnstap: 0
  uint16_t input = 0;       // index of the input in the configuration
  FrameKind kind = FrameKind::dnstap;
  bool cut = false;       // the capture's snap length cut the payload
  bool live = false;      // from a port or a stream, so that time goes on when nothing arrives
  bool pair = false;      // dnstap: to be written together with its query or response
  uint8_t info_len = 0;   // packets: bytes of encoded PacketInfo behind the payload
  uint32_t wire_len = 0;  // packets: length of the DNS message on the wire; more than payload_len if cut
  uint32_t units = 1;     // what came in that ends in this frame: a message may come in many packets
  Endpoint src;
  Endpoint dst;
  StreamId stream;  // dnstap

  [[nodiscard]] std::span<const uint8_t> payload() const noexcept {
    return {reinterpret_cast<const uint8_t*>(this + 1), payload_len};
  }
  // The payload, and the PacketInfo behind it.
  [[nodiscard]] std::span<const uint8_t> payload_and_info() const noexcept {
    return {payload().data(), payload_len + size_t{info_len}};
  }
  uint8_t* payload_start() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
};
static_assert(sizeof(Frame) % 8 == 0);

}  // namespace weir
