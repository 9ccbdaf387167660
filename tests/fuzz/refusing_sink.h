// A sink for fuzzers: keeps each event as text, and has no room now and then.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "decoder/event_sink.h"
#include "tests/fuzz/check.h"

namespace weir {

class RefusingSink final : public EventSink {
 public:
  using Tell = std::string (*)(const Event& event);

  // refuse_every: reserve() calls; 0: none is refused.
  RefusingSink(Tell tell, unsigned refuse_every) : tell_(tell), refuse_every_(refuse_every) {}

  [[nodiscard]] Room reserve(size_t bytes_len, Event*& event) noexcept override {
    if (refuse_every_ != 0 && ++calls_ % refuse_every_ == 0) return Room::later;
    if (bytes_len > kLargest) return Room::never;
    memory_.assign((sizeof(Event) + bytes_len + 7) / 8, 0);
    event = new (memory_.data()) Event;
    event->bytes_len = static_cast<uint32_t>(bytes_len);
    return Room::yes;
  }
  void commit() noexcept override {
    const auto& event = *reinterpret_cast<const Event*>(memory_.data());
    std::string told = tell_(event);
    told.append(reinterpret_cast<const char*>(event.bytes().data()), event.bytes_len);
    events.push_back(std::move(told));
    units += event.units;
  }
  void drop(Drop, uint64_t n) noexcept override { dropped += n; }

  std::vector<std::string> events;
  uint64_t units = 0;
  uint64_t dropped = 0;

 private:
  static constexpr size_t kLargest = 400;
  Tell tell_;
  unsigned refuse_every_;
  unsigned calls_ = 0;
  std::vector<uint64_t> memory_;
};

// What every event tells.
inline std::string ends_and_times(const Event& e) {
  return std::to_string(static_cast<int>(e.kind)) + " " + to_string(e.client) + " " + to_string(e.server) +
         " " + std::to_string(e.query_time_ns) + " " + std::to_string(e.response_time_ns) + " " +
         std::to_string(e.units) + " ";
}

}  // namespace weir
