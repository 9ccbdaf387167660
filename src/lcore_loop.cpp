#include "src/lcore_loop.h"

#include <emmintrin.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace weir {
namespace {

// Few pauses: with more lcores than CPUs a pausing lcore keeps the CPU from the one that has work.
constexpr unsigned kPauses = 16;
constexpr uint64_t kFirstSleepNs = 100'000;
constexpr uint64_t kLongSleepNs = kNsPerMs;
constexpr unsigned kDeepIdlePolls = 1'000;      // about a second without work
constexpr unsigned long kTimerSlackNs = 1'000;  // the default of 50 µs would round every short sleep up

}  // namespace

void Rest::take() noexcept {
  ++empty_polls_;
  if (empty_polls_ <= kPauses) {
    _mm_pause();
    return;
  }
  const unsigned doublings = std::min((empty_polls_ - kPauses - 1) / 4, 7U);
  const uint64_t ns =
      empty_polls_ > kDeepIdlePolls ? limit_ns_ : std::min(kFirstSleepNs << doublings, kLongSleepNs);
  const timespec length{.tv_sec = 0, .tv_nsec = static_cast<long>(ns)};
  nanosleep(&length, nullptr);
}

void LcoreLoop::add(Stage& stage, std::string kind, unsigned index) {
  entries_.push_back(std::make_unique<Entry>(stage, std::move(kind), index));
}

// From the end of the street to its beginning, up to the first stage that has work: so what one stage has
// made, the next takes while it is in the cache, and rings between stages of one lcore stay short.
Poll LcoreLoop::poll_last_busy(Now& now) noexcept {
  bool all_done = true;
  for (size_t i = entries_.size(); i-- > 0;) {
    Entry& entry = *entries_[i];
    if (entry.done) continue;
    const Poll result = entry.stage.poll(now);
    entry.done = result == Poll::done;
    all_done &= entry.done;
    if (result != Poll::busy) continue;
    const Now after = read_clock();
    entry.busy_ns.add(after.mono_ns - now.mono_ns);
    all_ns_.add(after.mono_ns - now.mono_ns);
    now = after;
    return Poll::busy;
  }
  return all_done ? Poll::done : Poll::idle;
}

void LcoreLoop::run() noexcept {
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs, 0, 0, 0);
  Rest rest(rest_limit_ns_);
  Now now = read_clock();
  while (!abort_.load(std::memory_order_relaxed)) {
    const Poll result = poll_last_busy(now);
    if (result == Poll::done) break;
    if (result == Poll::busy) {
      rest.reset();
    } else {
      if (!spin_) rest.take();
      const Now after = read_clock();
      all_ns_.add(after.mono_ns - now.mono_ns);
      now = after;
    }
    last_turn_ns_.set(now.mono_ns);
  }
  ended_.store(true, std::memory_order_release);
}

void LcoreLoop::describe(MetricVisitor& visitor) const {
  const uint64_t all_ns = all_ns_.get();
  for (const auto& entry : entries_) {
    const Labels labels = {{"kind", entry->kind}, {"lcore", std::to_string(entry->index)}};
    const uint64_t busy_ns = entry->busy_ns.get();
    visitor.counter(
        "weir_lcore_busy_seconds_total",
        "Time in polls that found work. A rate near 1: this lcore is the bottleneck; add lcores of its kind.",
        labels, static_cast<double>(busy_ns) * 1e-9);
    visitor.counter(
        "weir_lcore_idle_seconds_total",
        "Time in polls that found nothing, rests included, and in other stages of the same lcore.", labels,
        static_cast<double>(all_ns > busy_ns ? all_ns - busy_ns : 0) * 1e-9);
    entry->stage.describe(visitor);
  }
}

}  // namespace weir
