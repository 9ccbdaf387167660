// WaitingRoom: the table of what waits for a partner with the clocks of the inputs that it came from: who is
// due, who is oldest. Used by the matcher and by the pairer, each with entries of its own. Owner: either of
// them; decode lcore; hot path.
//
// A query waits for timeout + reorder, a response for reorder. An Entry has, beside what MatchTable asks for,
// time_ns (on its input's timeline), input, and is_response().
#pragma once

#include <cstdint>

#include "decoder/match_table.h"
#include "decoder/packet_clock.h"

namespace weir {

template <class Entry>
class WaitingRoom {
 public:
  WaitingRoom(size_t entries, uint64_t timeout_ns, uint64_t reorder_ns)
      : table(entries),
        clock(timeout_ns + reorder_ns),
        query_wait_ns_(timeout_ns + reorder_ns),
        response_wait_ns_(reorder_ns) {}

  // The oldest whose time on this timeline is over, or nullptr; queries before responses.
  [[nodiscard]] Entry* due(const Timeline& timeline) noexcept {
    for (const WaitList* list : {&timeline.queries, &timeline.responses}) {
      Entry* entry = table.oldest(*list);
      if (entry != nullptr && is_due(*entry, timeline.now_ns)) return entry;
    }
    return nullptr;
  }
  // Of all inputs; nullptr: nothing waits.
  [[nodiscard]] Entry* oldest_response() noexcept { return older_of(nullptr, &Timeline::responses); }
  [[nodiscard]] Entry* oldest() noexcept { return older_of(oldest_response(), &Timeline::queries); }

  // Something of the input waits that came in at this place of the order or before it.
  [[nodiscard]] bool waits(uint16_t input, uint32_t place) noexcept {
    const Timeline& timeline = clock.of(input);
    for (const WaitList* list : {&timeline.queries, &timeline.responses}) {
      const Entry* entry = table.oldest(*list);
      if (entry != nullptr && !table.is_after(*entry, place)) return true;
    }
    return false;
  }
  // The oldest query of the input, or else response; nullptr: nothing waits.
  [[nodiscard]] Entry* first_of(uint16_t input) noexcept {
    const Timeline& timeline = clock.of(input);
    Entry* entry = table.oldest(timeline.queries);
    return entry != nullptr ? entry : table.oldest(timeline.responses);
  }

  [[nodiscard]] static WaitList& list_of(Timeline& timeline, bool response) noexcept {
    return response ? timeline.responses : timeline.queries;
  }
  void remove(Entry& entry) noexcept {
    table.remove(entry, list_of(clock.of(entry.input), entry.is_response()));
  }

  MatchTable<Entry> table;
  PacketClock clock;

 private:
  [[nodiscard]] bool is_due(const Entry& entry, uint64_t now_ns) const noexcept {
    if (entry.time_ns > now_ns) return true;  // from before the clock was set back
    return now_ns - entry.time_ns > (entry.is_response() ? response_wait_ns_ : query_wait_ns_);
  }
  Entry* older_of(Entry* oldest, WaitList Timeline::*list) noexcept {
    for (Timeline* timeline = clock.first(); timeline != nullptr; timeline = clock.next(*timeline)) {
      Entry* entry = table.oldest(timeline->*list);
      if (entry != nullptr && (oldest == nullptr || table.age(*entry) > table.age(*oldest))) oldest = entry;
    }
    return oldest;
  }

  uint64_t query_wait_ns_;  // a response may come late by reorder: a query waits so much longer
  uint64_t response_wait_ns_;
};

}  // namespace weir
