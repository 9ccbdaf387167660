#include "src/lcore_loop.h"

#include <emmintrin.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

namespace weir {
namespace {

// Few pauses: with more lcores than CPUs a pausing lcore keeps the CPU from the one that has work.
constexpr unsigned kPauses = 16;
constexpr uint64_t kFirstSleepNs = 100'000;
constexpr uint64_t kLongestSleepNs = kNsPerMs;
constexpr unsigned long kTimerSlackNs = 1'000;  // the default of 50 µs would round every short sleep up

}  // namespace

void Rest::take() noexcept {
  ++empty_polls_;
  if (empty_polls_ <= kPauses) {
    _mm_pause();
    return;
  }
  const unsigned doublings = std::min((empty_polls_ - kPauses - 1) / 4, 7U);
  const uint64_t ns = std::min(kFirstSleepNs << doublings, kLongestSleepNs);
  const timespec length{.tv_sec = 0, .tv_nsec = static_cast<long>(ns)};
  nanosleep(&length, nullptr);
}

void LcoreLoop::run() noexcept {
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs, 0, 0, 0);
  Rest rest;
  Now now = read_clock();
  while (!abort_.load(std::memory_order_relaxed)) {
    const Poll result = stage_.poll(now);
    if (result == Poll::done) break;
    if (result == Poll::busy)
      rest.reset();
    else if (!spin_)
      rest.take();
    const Now after = read_clock();
    (result == Poll::busy ? busy_ns_ : idle_ns_).add(after.mono_ns - now.mono_ns);
    now = after;
    last_turn_ns_.set(now.mono_ns);
  }
  ended_.store(true, std::memory_order_release);
}

void LcoreLoop::describe(MetricVisitor& visitor) const {
  const Labels base = {{"kind", kind_}, {"lcore", std::to_string(index_)}};
  visitor.counter(
      "weir_lcore_busy_seconds_total",
      "Time in polls that found work. A rate near 1: this lcore is the bottleneck; add lcores of its kind.",
      base, static_cast<double>(busy_ns_.get()) * 1e-9);
  visitor.counter("weir_lcore_idle_seconds_total", "Time in polls that found nothing, rests included.", base,
                  static_cast<double>(idle_ns_.get()) * 1e-9);
}

}  // namespace weir
