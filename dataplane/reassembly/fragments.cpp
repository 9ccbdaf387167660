#include "dataplane/reassembly/fragments.h"

#include <algorithm>
#include <cstring>

#include "core/counter.h"
#include "dataplane/reassembly/datagram_table.h"
#include "dataplane/reassembly/elapsed_time.h"
#include "dataplane/reassembly/fragment_store.h"

namespace weir {
namespace {

constexpr uint32_t kMaxDatagram = 65'535;
// A mirror that delivers twice does so within a moment; an id is used again after some seconds at best.
constexpr uint64_t kDoneNs = 1'000'000'000;

uint32_t end_of(const Fragment& fragment) { return fragment.offset + fragment.wire_len; }

bool is_bad(const Fragment& fragment) {
  // wire_len alone first: the sum could wrap.
  return fragment.wire_len == 0 || fragment.wire_len > kMaxDatagram || end_of(fragment) > kMaxDatagram ||
         (fragment.more && fragment.wire_len % 8 != 0);
}

std::span<const uint8_t> captured(const Fragment& fragment) {
  return fragment.payload.first(std::min<size_t>(fragment.payload.size(), fragment.wire_len));
}

// Whether a datagram that ends there may have such a fragment.
bool is_within(const Fragment& fragment, uint32_t end) {
  return fragment.more ? end_of(fragment) < end : end_of(fragment) == end;
}

bool contradicts_end(const Fragment& fragment, const KnownDatagram& datagram) {
  if (datagram.end != 0) return !is_within(fragment, datagram.end);
  return !fragment.more && datagram.more_end >= end_of(fragment);
}

}  // namespace

struct Fragments::State {
  State(const FragmentOptions& options, Wanted is_wanted, const void* its_context, uint64_t seed)
      : timeout_ns(options.timeout_ns),
        wanted(is_wanted),
        context(its_context),
        time(options.timeout_ns),
        table(options.datagrams, seed),
        store(options.memory),
        whole_bytes(kMaxDatagram) {}

  [[nodiscard]] bool take(const Fragment& fragment, DropCounters& drops, WholeDatagram& whole) noexcept;
  void forget_old(uint64_t at_ns, DropCounters& drops) noexcept;
  void forget_waiting(KnownDatagram& datagram, Drop reason, DropCounters& drops) noexcept;

  const uint64_t timeout_ns;
  const Wanted wanted;
  const void* const context;
  ElapsedTime time;
  uint64_t now_ns = 0;  // of elapsed time
  DatagramTable table;
  FragmentStore store;
  LazyArray<uint8_t> whole_bytes;
  Counter held;

 private:
  enum class Fit : uint8_t { fits, duplicate, overlap };
  // after: where it belongs, for FragmentStore::put().
  [[nodiscard]] Fit fit(const Fragment& fragment, const FragmentList& list, uint32_t& after) const noexcept;
  KnownDatagram& start(const DatagramKey& key, DropCounters& drops) noexcept;
  void make_room(size_t bytes, const KnownDatagram& datagram, DropCounters& drops) noexcept;
  // It and the fragment that gave the reason.
  void give_up(KnownDatagram& datagram, const Fragment& fragment, Drop reason, DropCounters& drops) noexcept;
  void complete(KnownDatagram& datagram, const Fragment& fragment, WholeDatagram& whole) noexcept;
  void release(KnownDatagram& datagram) noexcept;
};

bool Fragments::State::take(const Fragment& fragment, DropCounters& drops, WholeDatagram& whole) noexcept {
  if (is_bad(fragment)) {
    drops.add(Drop::fragment_bad, fragment.units);
    return false;
  }
  const DatagramKey key(fragment.src, fragment.dst, fragment.id, fragment.protocol);
  KnownDatagram* known = table.find(key);
  if (known != nullptr && known->state == DatagramState::given_up) {
    drops.add(known->reason, fragment.units);
    return false;
  }
  if (known != nullptr && known->state == DatagramState::done) {
    if (is_within(fragment, known->end)) {
      drops.add(Drop::fragment_duplicate, fragment.units);
      return false;
    }
    table.remove(*known);
    known = nullptr;
  }
  KnownDatagram& datagram = known != nullptr ? *known : start(key, drops);

  uint32_t after = 0;
  switch (contradicts_end(fragment, datagram) ? Fit::overlap : fit(fragment, datagram.fragments, after)) {
    case Fit::fits:
      break;
    case Fit::duplicate:
      drops.add(Drop::fragment_duplicate, fragment.units);
      return false;
    case Fit::overlap:
      give_up(datagram, fragment, Drop::fragment_overlap, drops);
      return false;
  }
  if (datagram.fragments.count == FragmentStore::kMaxCount) {
    give_up(datagram, fragment, Drop::fragment_bad, drops);
    return false;
  }
  if (fragment.offset == 0) {
    datagram.protocol = fragment.protocol;
    if (const std::optional<Drop> reason = wanted(context, fragment.protocol, captured(fragment))) {
      give_up(datagram, fragment, *reason, drops);
      return false;
    }
  }
  datagram.wire_bytes += fragment.wire_len;
  if (fragment.more) {
    datagram.more_end = std::max(datagram.more_end, end_of(fragment));
  } else {
    datagram.end = end_of(fragment);
  }
  if (datagram.wire_bytes == datagram.end) {
    complete(datagram, fragment, whole);
    return true;
  }
  make_room(captured(fragment).size(), datagram, drops);
  store.put(datagram.fragments, after, fragment.offset, fragment.wire_len, captured(fragment));
  datagram.units += fragment.units;
  held.add(fragment.units);
  return false;
}

Fragments::State::Fit Fragments::State::fit(const Fragment& fragment, const FragmentList& list,
                                            uint32_t& after) const noexcept {
  const uint32_t end = end_of(fragment);
  uint32_t other = list.first;
  if (list.last != 0 && store.end(list.last) <= fragment.offset) {  // most come in order
    after = list.last;
    other = 0;
  }
  for (; other != 0 && store.end(other) <= fragment.offset; other = store.next(other)) after = other;
  if (other == 0 || store.offset(other) >= end) return Fit::fits;

  uint32_t reached = fragment.offset;
  for (; other != 0 && store.offset(other) < end; other = store.next(other)) {
    if (store.offset(other) > reached) return Fit::overlap;
    if (!store.agrees(other, fragment.offset, captured(fragment))) return Fit::overlap;
    reached = store.end(other);
  }
  return reached >= end ? Fit::duplicate : Fit::overlap;
}

KnownDatagram& Fragments::State::start(const DatagramKey& key, DropCounters& drops) noexcept {
  if (table.full()) {
    // Those that hold nothing first: no unit is lost with them.
    KnownDatagram* oldest = table.oldest(DatagramState::done);
    if (oldest == nullptr) oldest = table.oldest(DatagramState::given_up);
    if (oldest != nullptr) {
      table.remove(*oldest);
    } else {
      forget_waiting(*table.oldest(DatagramState::waiting), Drop::fragment_evicted, drops);
    }
  }
  return table.insert(key, now_ns);
}

void Fragments::State::make_room(size_t bytes, const KnownDatagram& datagram, DropCounters& drops) noexcept {
  while (!store.fits(bytes)) {
    // One datagram alone always fits, so there is another one.
    KnownDatagram* oldest = table.oldest(DatagramState::waiting);
    if (oldest == &datagram) oldest = table.newer(*oldest);
    forget_waiting(*oldest, Drop::fragment_evicted, drops);
  }
}

void Fragments::State::release(KnownDatagram& datagram) noexcept {
  held.set(held.get() - datagram.units);
  datagram.units = 0;
  store.release(datagram.fragments);
}

void Fragments::State::forget_waiting(KnownDatagram& datagram, Drop reason, DropCounters& drops) noexcept {
  drops.add(reason, datagram.units);
  release(datagram);
  table.remove(datagram);
}

void Fragments::State::give_up(KnownDatagram& datagram, const Fragment& fragment, Drop reason,
                               DropCounters& drops) noexcept {
  drops.add(reason, datagram.units + fragment.units);
  release(datagram);
  datagram.reason = reason;
  table.move(datagram, DatagramState::given_up, now_ns);
}

void Fragments::State::complete(KnownDatagram& datagram, const Fragment& fragment,
                                WholeDatagram& whole) noexcept {
  const std::span<const uint8_t> bytes = captured(fragment);
  if (!bytes.empty()) std::memcpy(&whole_bytes[fragment.offset], bytes.data(), bytes.size());
  uint32_t captured_end = datagram.end;
  if (bytes.size() < fragment.wire_len) captured_end = fragment.offset + static_cast<uint32_t>(bytes.size());
  for (uint32_t other = datagram.fragments.first; other != 0; other = store.next(other)) {
    store.copy(other, &whole_bytes[0]);
    if (store.captured_end(other) < store.end(other)) {
      captured_end = std::min(captured_end, store.captured_end(other));
    }
  }
  whole = {{&whole_bytes[0], captured_end}, datagram.end, datagram.units + fragment.units, datagram.protocol};
  release(datagram);
  table.move(datagram, DatagramState::done, now_ns);
}

void Fragments::State::forget_old(uint64_t at_ns, DropCounters& drops) noexcept {
  const auto oldest_over = [this, at_ns](DatagramState state, uint64_t limit_ns) {
    KnownDatagram* oldest = table.oldest(state);
    return oldest != nullptr && at_ns - oldest->since_ns > limit_ns ? oldest : nullptr;
  };
  while (KnownDatagram* old = oldest_over(DatagramState::waiting, timeout_ns)) {
    forget_waiting(*old, Drop::fragment_incomplete, drops);
  }
  while (KnownDatagram* old = oldest_over(DatagramState::given_up, timeout_ns)) table.remove(*old);
  while (KnownDatagram* old = oldest_over(DatagramState::done, kDoneNs)) table.remove(*old);
}

Fragments::Fragments(const FragmentOptions& options, Wanted wanted, const void* context, uint64_t seed)
    : state_(std::make_unique<State>(options, wanted, context, seed)) {}

Fragments::~Fragments() = default;

bool Fragments::take(const Fragment& fragment, uint64_t time_ns, DropCounters& drops,
                     WholeDatagram& whole) noexcept {
  state_->now_ns = state_->time.advance(time_ns);
  state_->forget_old(state_->now_ns, drops);
  return state_->take(fragment, drops, whole);
}

void Fragments::forget_old(uint64_t quiet_ns, DropCounters& drops) noexcept {
  state_->forget_old(state_->now_ns + quiet_ns, drops);
}

void Fragments::flush(DropCounters& drops) noexcept {
  DatagramTable& table = state_->table;
  while (KnownDatagram* datagram = table.oldest(DatagramState::waiting)) {
    state_->forget_waiting(*datagram, Drop::fragment_incomplete, drops);
  }
  while (KnownDatagram* datagram = table.oldest(DatagramState::given_up)) table.remove(*datagram);
  while (KnownDatagram* datagram = table.oldest(DatagramState::done)) table.remove(*datagram);
}

uint64_t Fragments::held_units() const noexcept { return state_->held.get(); }

size_t Fragments::memory_bytes(const FragmentOptions& options) noexcept {
  return sizeof(State) + DatagramTable::memory_bytes(options.datagrams) +
         FragmentStore::memory_bytes(options.memory) + kMaxDatagram;
}

}  // namespace weir
