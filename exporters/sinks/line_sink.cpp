#include "exporters/sinks/line_sink.h"

#include <array>
#include <cstdint>

namespace weir {
namespace {

constexpr uint64_t kReadNs = 100 * kNsPerMs;

}  // namespace

// Peers have nothing to say; unread bytes would turn our close into a reset.
bool LineSink::poll(const Now& now) {
  const bool worked = peer_.poll(now);
  if (!peer_.connected() || now.mono_ns < next_read_ns_) return worked;
  next_read_ns_ = now.mono_ns + kReadNs;
  std::array<uint8_t, 4096> forgotten;
  while (peer_.receive(forgotten, now) != 0) {
  }
  return worked;
}

}  // namespace weir
