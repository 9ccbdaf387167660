// PacketClock: the time that passes in the traffic of each input, one timeline an input: the latest time seen
// there, so that a file gives the same events on every machine. Between frames of a live input time goes on
// with the monotonic clock. Owner: the waiting room; decode lcore.
#pragma once

#include <cstdint>

#include "core/frame.h"
#include "core/lazy_array.h"
#include "decoder/match_table.h"

namespace weir {

struct Timeline {
  uint64_t now_ns = 0;
  uint64_t frame_time_ns = 0;  // of the latest frame
  uint64_t frame_mono_ns = 0;  // and when it was taken in
  WaitList queries;            // what waits for this time to pass
  WaitList responses;
  uint32_t next = 0;  // the next timeline in use, its index + 1; 0: the last
  bool used = false;
  bool live = false;
};

class PacketClock {
 public:
  // Frames may come so much out of order; one that is older than that says that the clock was set back.
  explicit PacketClock(uint64_t disorder_ns) : timelines_(1U << 16U), disorder_ns_(disorder_ns) {}

  // The frame's timeline, moved on to its time; mono_ns is when that was on the monotonic clock. The same
  // frame again changes nothing.
  Timeline& advance(const Frame& frame, uint64_t time_ns, uint64_t mono_ns) noexcept {
    Timeline& timeline = timelines_[frame.input];
    if (!timeline.used) {
      timeline.used = true;
      timeline.next = first_;
      first_ = uint32_t{frame.input} + 1;
    }
    if (time_ns > timeline.now_ns || timeline.now_ns - time_ns > disorder_ns_) timeline.now_ns = time_ns;
    timeline.live |= frame.live;
    timeline.frame_time_ns = time_ns;
    timeline.frame_mono_ns = mono_ns;
    return timeline;
  }
  // No frame waits: live time goes on.
  static void pass(Timeline& timeline, uint64_t mono_ns) noexcept {
    if (!timeline.live || mono_ns < timeline.frame_mono_ns) return;
    const uint64_t now = timeline.frame_time_ns + (mono_ns - timeline.frame_mono_ns);
    if (now > timeline.now_ns) timeline.now_ns = now;
  }

  [[nodiscard]] Timeline& of(uint16_t input) noexcept { return timelines_[input]; }
  [[nodiscard]] Timeline* first() noexcept { return at(first_); }
  [[nodiscard]] Timeline* next(const Timeline& timeline) noexcept { return at(timeline.next); }

 private:
  [[nodiscard]] Timeline* at(uint32_t ref) noexcept { return ref == 0 ? nullptr : &timelines_[ref - 1]; }

  LazyArray<Timeline> timelines_;
  uint64_t disorder_ns_;
  uint32_t first_ = 0;
};

}  // namespace weir
