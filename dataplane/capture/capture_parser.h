// CaptureParser: from the bytes of a capture file to packets; no I/O. Owner: a capture file's reader; fuzzed.
// A damaged record costs itself: the parser looks for the next one that makes sense.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/packet_headers.h"

namespace weir {

// What the first bytes of the window are.
struct CaptureStep {
  enum class Kind : uint8_t {
    packet,   // `packet` and `time_ns` are set
    skipped,  // something that is no packet
    damaged,  // a record that contradicts itself: to be counted
    need,     // nothing can be told until the window has `bytes`
    cut,      // the file ends inside a record
    end,      // the file ends
    refused,  // the file cannot be read: refusal() says why
  };
  Kind kind = Kind::need;
  size_t bytes = 0;  // to consume, or with Kind::need: to have
  uint64_t time_ns = 0;
  Packet packet = {};  // points into the window
};

class CaptureParser {
 public:
  virtual ~CaptureParser() = default;
  // at_end: nothing follows the window, so Kind::need is no answer. Asks for at most kMaxWindow bytes.
  virtual CaptureStep next(std::span<const uint8_t> window, bool at_end) noexcept = 0;
  // After Kind::refused: what follows a file's name in a sentence.
  [[nodiscard]] virtual std::string refusal() const = 0;

  // Longer packets are refused as damage: no link carries them, and memory is not given on a file's word.
  static constexpr size_t kMaxPacket = 256U << 10U;
  // pcapng: a packet, its head and as many bytes of options.
  static constexpr size_t kMaxBlock = kMaxPacket + (64U << 10U);
  // Looking for the next sound record, a parser judges half a window and keeps the other to judge it by.
  static constexpr size_t kMaxWindow = 2 * kMaxBlock;
};

// By the first four bytes; nullptr when they begin no capture file.
std::unique_ptr<CaptureParser> make_capture_parser(std::span<const uint8_t> first);

}  // namespace weir
