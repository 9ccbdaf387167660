// EventSink: where the decoder's parts put Events: the decode stage gives one that writes batches, tests give
// one that keeps them. Called on the decode lcore; hot path.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/drop.h"
#include "core/event.h"

namespace weir {

class EventSink {
 public:
  enum class Room : uint8_t {
    yes,
    later,  // the consumer is behind: nothing changed, try again at the next poll
    never,  // no batch is large enough
  };

  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;

  // yes: `event` is a default Event whose record_len and bytes_len are set, with bytes_len bytes of room
  // behind it. Fill it and commit() it before the next reserve(); an event that is not committed never was.
  [[nodiscard]] virtual Room reserve(size_t bytes_len, Event*& event) noexcept = 0;
  virtual void commit() noexcept = 0;
  // Units that end here instead of in an event.
  virtual void drop(Drop drop, uint64_t units) noexcept = 0;

 protected:
  ~EventSink() = default;
};

}  // namespace weir
