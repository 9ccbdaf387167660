// Events for tests: a head to fill, wire bytes to append, and batches of them as they come over a ring.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/event.h"

namespace weir {

struct TestEvent {
  Event head;
  std::vector<uint8_t> bytes;

  Span put(std::span<const uint8_t> data) {
    const Span span{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(data.size())};
    bytes.insert(bytes.end(), data.begin(), data.end());
    return span;
  }
  Span put(std::string_view text) {
    return put({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
};

// A batch that owns its memory.
class TestBatch {
 public:
  TestBatch() = default;
  explicit TestBatch(std::initializer_list<TestEvent> events) {
    for (const TestEvent& event : events) add(event);
  }

  void add(const TestEvent& event) {
    const size_t words = (sizeof(Event) + event.bytes.size() + 7) / 8;
    const size_t at = memory_.size();
    memory_.resize(at + words);
    Event head = event.head;
    head.record_len = static_cast<uint32_t>(words * 8);
    head.bytes_len = static_cast<uint32_t>(event.bytes.size());
    auto* to = reinterpret_cast<uint8_t*>(memory_.data() + at);
    std::memcpy(to, &head, sizeof head);
    if (!event.bytes.empty()) std::memcpy(to + sizeof head, event.bytes.data(), event.bytes.size());
    batch_.data = reinterpret_cast<uint8_t*>(memory_.data());
    batch_.used = batch_.capacity = static_cast<uint32_t>(memory_.size() * 8);
    batch_.records += 1;
    batch_.units += event.head.units;
  }

  [[nodiscard]] const Batch& batch() const { return batch_; }
  [[nodiscard]] Batch* operator&() { return &batch_; }
  // The first event; valid until the next add().
  [[nodiscard]] const Event& event() const { return *reinterpret_cast<const Event*>(memory_.data()); }

 private:
  std::vector<uint64_t> memory_;
  Batch batch_;
};

}  // namespace weir
