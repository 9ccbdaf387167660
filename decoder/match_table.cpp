#include "decoder/match_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir {

MatchTable::MatchTable(size_t entries)
    : entries_(std::max<size_t>(entries, 1) + 1),
      buckets_(std::bit_ceil(std::max<size_t>(entries, 1)) * 2),
      bucket_mask_(buckets_.size() - 1),
      store_(entries / 5) {}  // 64 bytes an entry: a fifth of them may be long

uint32_t MatchTable::take_entry() noexcept {
  ++used_;
  if (released_ == 0) return untouched_++;
  const uint32_t entry = released_;
  released_ = entries_[entry].next;
  return entry;
}

Waiting* MatchTable::oldest_if_crowded(uint64_t hash) noexcept {
  Waiting* oldest = nullptr;
  size_t count = 0;
  for (Waiting* entry = find(hash); entry != nullptr; entry = find_next(*entry), ++count) oldest = entry;
  return count < kMaxPerHash ? nullptr : oldest;
}

Waiting& MatchTable::insert(const Leg& leg, const Place& place, uint64_t wire_hash, WaitList& list) noexcept {
  const uint32_t index = take_entry();
  Waiting& entry = entries_[index];
  uint32_t& bucket = buckets_[place.hash & bucket_mask_];
  entry.hash = place.hash;
  entry.wire_hash = wire_hash;
  entry.time_ns = leg.time_ns;
  entry.arrival_ns = leg.arrival_ns;
  entry.next = bucket;
  entry.older = list.newest;
  entry.newer = 0;
  entry.order = ++order_;
  entry.stored = 0;
  entry.input = leg.input;
  entry.units = 1;
  entry.response = leg.response;
  entry.by_question = place.by_question;
  by_question_ += place.by_question;
  entry.client = *leg.client;
  entry.server = *leg.server;
  entry.dns = leg.dns;
  if (leg.wire.size() <= Waiting::kInlineWire) {
    std::memcpy(entry.wire, leg.wire.data(), leg.wire.size());
  } else {
    entry.stored = store_.put(leg.wire);
  }
  bucket = index;
  if (list.newest != 0) {
    entries_[list.newest].newer = index;
  } else {
    list.oldest = index;
  }
  list.newest = index;
  return entry;
}

void MatchTable::remove(Waiting& entry, WaitList& list) noexcept {
  const uint32_t index = ref(entry);
  uint32_t* link = &buckets_[entry.hash & bucket_mask_];
  while (*link != index) link = &entries_[*link].next;
  *link = entry.next;
  (entry.older != 0 ? entries_[entry.older].newer : list.oldest) = entry.newer;
  (entry.newer != 0 ? entries_[entry.newer].older : list.newest) = entry.older;
  if (entry.stored != 0) store_.release(entry.stored);
  by_question_ -= entry.by_question;
  entry.next = released_;
  released_ = index;
  --used_;
}

void MatchTable::copy_wire(const Waiting& entry, uint8_t* to) const noexcept {
  if (entry.stored == 0) {
    std::memcpy(to, entry.wire, entry.dns.wire.len);
  } else {
    store_.copy(entry.stored, entry.dns.wire.len, to);
  }
}

void MatchTable::prefetch_entry(uint64_t hash) const noexcept {
  const uint32_t first = buckets_[hash & bucket_mask_];
  if (first == 0) return;
  const auto* lines = reinterpret_cast<const uint8_t*>(&entries_[first]);
  for (size_t line = 0; line < sizeof(Waiting); line += 64) __builtin_prefetch(lines + line);
}

}  // namespace weir
