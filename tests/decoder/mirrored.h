// Mirrored packets for tests: sent as values, taken by the matcher as frames, its events told as lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/frame.h"
#include "decoder/event_sink.h"
#include "decoder/matcher.h"

namespace weir {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kStart = 1'700'000'000'000 * kMs;  // packet times count from here

// A DNS message in a UDP datagram. Names are in the usual text without escapes.
struct Sent {
  uint64_t us = 0;
  bool response = false;
  uint16_t id = 1;
  std::string qname = "www.example";
  uint16_t qtype = 1;
  std::string client = "192.0.2.1";
  std::string server = "198.51.100.53";
  uint16_t client_port = 40000;
  uint16_t server_port = 53;
  uint16_t flags = 0x0100;  // QR is set where `response` is
  std::vector<uint16_t> counts = {1, 0, 0, 0};
  std::string rest = {};  // behind the question
  bool cut = false;       // the capture left out the second half
  uint16_t input = 0;
  bool live = false;
  bool tcp = false;
};

std::string wire_of(const Sent& sent);

// A frame with its payload, aligned like in a batch.
class HeldFrame {
 public:
  explicit HeldFrame(const Sent& sent);
  HeldFrame(const Frame& head, const std::string& payload);
  [[nodiscard]] const Frame& frame() const { return *reinterpret_cast<const Frame*>(memory_.data()); }

 private:
  std::vector<uint64_t> memory_;
};

// "TRANSACTION 192.0.2.1:40000 198.51.100.53:53 1 www.example q0 r1500 u2": kind, ends, id, QNAME, opcode,
// rcode and tc if not 0, packet times in microseconds, units if not as usual, what is malformed, and of a
// zone transfer messages and records.
std::string to_line(const Event& event);

// Keeps events as lines, and their bytes.
class KeptEvents final : public EventSink {
 public:
  explicit KeptEvents(std::string (*tell)(const Event&) = to_line) : tell_(tell) {}
  [[nodiscard]] Room reserve(size_t bytes_len, Event*& event) noexcept override;
  void commit() noexcept override;
  void drop(Drop drop, uint64_t units) noexcept override { drops[drop] += units; }

  // The event that was committed last.
  [[nodiscard]] const Event& last() const { return *reinterpret_cast<const Event*>(memory_.data()); }

  std::vector<std::string> lines;
  std::vector<std::string> bytes;
  std::map<Drop, uint64_t> drops;
  uint64_t units = 0;
  uint64_t refuse = 0;  // so many reserve() calls are told to come later
  bool refuse_every_other = false;
  size_t largest = SIZE_MAX;

 private:
  std::string (*tell_)(const Event&);
  std::vector<uint64_t> memory_;
  bool refused_ = false;  // the reserve() before
};

// Everything that comes of the packets, taken in this order and flushed at the end.
struct Outcome {
  std::vector<std::string> lines;
  std::map<Drop, uint64_t> drops;
  bool operator==(const Outcome&) const = default;
};
Outcome outcome_of(const std::vector<Sent>& packets, const DecodeOptions& options = {}, uint64_t seed = 1);

}  // namespace weir
