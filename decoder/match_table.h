// MatchTable: entries that wait for a partner (a query's response, a response's query): found by key, listed
// by age. Memory is fixed: entries that hold usual messages themselves, and a store for longer ones. Owner:
// the waiting room; decode lcore; hot path.
//
// At most kMaxPerHash entries stand under one hash, so that a search ends soon whatever is sent. An entry
// stands under its flow and id, which is all that nearly every search needs to look up; or, where those are
// taken, under its question as well.
//
// An Entry is trivially copyable and has kInlineWire, wire_size(), and the members that insert() fills.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/lazy_array.h"
#include "core/prefetch.h"
#include "decoder/wire_store.h"

namespace weir {

// Entries in order of arrival.
struct WaitList {
  uint32_t oldest = 0;
  uint32_t newest = 0;
};

template <class Entry>
class MatchTable {
 public:
  static constexpr size_t kMaxPerHash = 16;

  explicit MatchTable(size_t entries)
      : entries_(std::max<size_t>(entries, 1) + 1),
        buckets_(std::bit_ceil(std::max<size_t>(entries, 1)) * 2),
        bucket_mask_(buckets_.size() - 1),
        store_(entries / 5) {}  // 64 bytes an entry: a fifth of them may be long

  // The newest entry with this hash, and the one before it: in the order of arrival, backwards.
  [[nodiscard]] Entry* find(uint64_t hash) noexcept {
    return skip_others(buckets_[hash & bucket_mask_], hash);
  }
  [[nodiscard]] Entry* find_next(const Entry& entry) noexcept { return skip_others(entry.next, entry.hash); }
  // The oldest entry with this hash if there is no room for another one, else nullptr.
  [[nodiscard]] Entry* oldest_if_crowded(uint64_t hash) noexcept {
    Entry* oldest = nullptr;
    size_t count = 0;
    for (Entry* entry = find(hash); entry != nullptr; entry = find_next(*entry), ++count) oldest = entry;
    return count < kMaxPerHash ? nullptr : oldest;
  }
  // Entries that stand under their question.
  [[nodiscard]] size_t by_question() const noexcept { return by_question_; }
  [[nodiscard]] Entry* oldest(const WaitList& list) noexcept { return at(list.oldest); }
  // How long ago an entry came in, in entries.
  [[nodiscard]] uint32_t age(const Entry& entry) const noexcept { return order_ - entry.order; }

  // Every entry so far has come in at this place of the order or before it.
  [[nodiscard]] uint32_t place() const noexcept { return order_; }
  [[nodiscard]] bool is_after(const Entry& entry, uint32_t place) const noexcept {
    return order_ - entry.order < order_ - place;
  }

  [[nodiscard]] bool full() const noexcept { return used_ == capacity(); }
  [[nodiscard]] bool store_fits(size_t wire_len) const noexcept {
    return wire_len <= Entry::kInlineWire || store_.fits(wire_len);
  }
  struct Place {
    uint64_t hash;
    bool by_question;
  };
  // Preconditions: not full(), store_fits(), the hash is not crowded. The entry is the newest of `list`; all
  // of it but its place and its bytes is the caller's to fill.
  Entry& insert(std::span<const uint8_t> wire, const Place& place, WaitList& list) noexcept;
  // `list` is the one that it was put into.
  void remove(Entry& entry, WaitList& list) noexcept;

  // The first bytes of its message: header and question at least, as far as there are any.
  [[nodiscard]] const uint8_t* wire_start(const Entry& entry) const noexcept {
    return entry.stored == 0 ? entry.wire : store_.start(entry.stored);
  }
  void copy_wire(const Entry& entry, uint8_t* to) const noexcept {
    if (entry.stored == 0) {
      std::memcpy(to, entry.wire, entry.wire_size());
    } else {
      store_.copy(entry.stored, entry.wire_size(), to);
    }
  }

  void prefetch_bucket(uint64_t hash) const noexcept { prefetch(&buckets_[hash & bucket_mask_]); }
  void prefetch_entry(uint64_t hash) const noexcept {
    const uint32_t first = buckets_[hash & bucket_mask_];
    if (first == 0) return;
    const auto* lines = reinterpret_cast<const uint8_t*>(&entries_[first]);
    for (size_t line = 0; line < sizeof(Entry); line += 64) prefetch(lines + line);
  }

  [[nodiscard]] size_t used() const noexcept { return used_; }
  [[nodiscard]] size_t capacity() const noexcept { return entries_.size() - 1; }
  [[nodiscard]] const WireStore& store() const noexcept { return store_; }

 private:
  [[nodiscard]] Entry* at(uint32_t ref) noexcept { return ref == 0 ? nullptr : &entries_[ref]; }
  [[nodiscard]] uint32_t ref(const Entry& entry) const noexcept {
    return static_cast<uint32_t>(entries_.index_of(entry));
  }
  [[nodiscard]] Entry* skip_others(uint32_t from, uint64_t hash) noexcept {
    while (from != 0 && entries_[from].hash != hash) from = entries_[from].next;
    return at(from);
  }
  uint32_t take_entry() noexcept {
    ++used_;
    if (released_ == 0) return untouched_++;
    const uint32_t entry = released_;
    released_ = entries_[entry].next;
    return entry;
  }

  LazyArray<Entry> entries_;  // [0] is not used
  LazyArray<uint32_t> buckets_;
  uint64_t bucket_mask_;
  WireStore store_;
  size_t used_ = 0;
  size_t by_question_ = 0;
  uint32_t released_ = 0;   // entries that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first entry that was never used
  uint32_t order_ = 0;
};

template <class Entry>
Entry& MatchTable<Entry>::insert(std::span<const uint8_t> wire, const Place& place, WaitList& list) noexcept {
  const uint32_t index = take_entry();
  Entry& entry = entries_[index];
  uint32_t& bucket = buckets_[place.hash & bucket_mask_];
  entry.hash = place.hash;
  entry.next = bucket;
  entry.older = list.newest;
  entry.newer = 0;
  entry.order = ++order_;
  entry.stored = 0;
  entry.by_question = place.by_question;
  by_question_ += place.by_question;
  if (wire.size() <= Entry::kInlineWire) {
    std::memcpy(entry.wire, wire.data(), wire.size());
  } else {
    entry.stored = store_.put(wire);
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

template <class Entry>
void MatchTable<Entry>::remove(Entry& entry, WaitList& list) noexcept {
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

}  // namespace weir
