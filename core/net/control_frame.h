// Control frames of Frame Streams: the handshake around dnstap data frames, decoded and encoded by libfstrm.
// Any lcore; off the hot path (libfstrm allocates).
//
//   control frame = 0 (u32) · length (u32, at most 512) · type (u32) · field*      all big-endian
//   field         = 1 (u32, content type) · length (u32, at most 256) · bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

constexpr std::string_view kDnstapContentType = "protobuf:dnstap.Dnstap";
constexpr size_t kControlHeaderLen = 8;   // the zero and the length
constexpr size_t kControlLenLimit = 512;  // type and fields

enum class ControlType : uint32_t { accept = 1, start = 2, stop = 3, ready = 4, finish = 5 };

struct ControlFrame {
  enum class State : uint8_t {
    sound,
    unknown,  // a type that is not defined: its length is sound, its meaning is not known
    bad,  // too short, an unknown field, a field that runs past the end, a second content type in START, ...
  };
  State state = State::bad;
  ControlType type = ControlType::stop;
  bool dnstap = false;  // one of its content types is dnstap's, or it names none, which matches all
};

// payload: type and fields, without the header.
ControlFrame decode_control(std::span<const uint8_t> payload);

// The whole frame, header included; READY, ACCEPT and START name dnstap's content type.
std::vector<uint8_t> encode_control(ControlType type);

}  // namespace weir
