// Events that are numbers, as frames of one size: what is cut, doubled, missing or out of order is seen.
#pragma once

#include <cstring>
#include <string>

#include "exporters/formats/record_format.h"
#include "tests/exporters/test_event.h"

namespace weir {

constexpr size_t kNumberPayload = 200;

class NumberFrames : public RecordFormat {
 public:
  [[nodiscard]] size_t max_record_bytes() const noexcept override { return 4 + kNumberPayload; }
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    std::string text = std::to_string(event.arrival_ns) + ":";
    text.resize(kNumberPayload, '.');
    std::memcpy(out, "\0\0\0", 3);
    out[3] = static_cast<char>(kNumberPayload);
    return out + 4 + text.copy(out + 4, kNumberPayload);
  }
};

inline TestBatch numbers(uint64_t from, uint64_t to) {
  TestBatch batch;
  for (uint64_t n = from; n < to; ++n) {
    TestEvent event;
    event.head.arrival_ns = n;
    batch.add(event);
  }
  return batch;
}

}  // namespace weir
