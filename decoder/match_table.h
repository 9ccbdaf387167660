// MatchTable: the legs of transactions (queries, and responses that came first) that wait for the other leg:
// found by key, listed by age. Memory is fixed: entries of 256 bytes that hold usual messages themselves, and
// a store for longer ones. Owner: the matcher; decode lcore; hot path.
//
// At most kMaxPerHash entries stand under one hash, so that a search ends soon whatever is sent. An entry
// stands under its flow and id, which is all that nearly every search needs to look up; or, where those are
// taken, under its question as well.
#pragma once

#include <cstdint>
#include <span>

#include "decoder/lazy_array.h"
#include "decoder/leg.h"
#include "decoder/wire_store.h"

namespace weir {

struct Waiting {
  static constexpr size_t kInlineWire = 88;

  uint64_t hash;       // that it is found by
  uint64_t wire_hash;  // SeededHash::bytes
  uint64_t time_ns;
  uint64_t arrival_ns;
  uint32_t next;  // in its bucket, or among the free; 0: none
  uint32_t older;
  uint32_t newer;
  uint32_t order;   // of arrival, over all lists
  uint32_t stored;  // handle in the WireStore, 0: the message is in `wire`
  uint16_t input;
  uint16_t units;
  bool response;
  bool by_question;  // what `hash` is of
  Endpoint client;
  Endpoint server;
  DnsMessage dns;
  uint8_t wire[kInlineWire];
};
static_assert(sizeof(Waiting) == 256);

// Legs in order of arrival.
struct WaitList {
  uint32_t oldest = 0;
  uint32_t newest = 0;
};

class MatchTable {
 public:
  static constexpr size_t kMaxPerHash = 16;

  explicit MatchTable(size_t entries);

  // The newest entry with this hash, and the one before it: in the order of arrival, backwards.
  [[nodiscard]] Waiting* find(uint64_t hash) noexcept {
    return skip_others(buckets_[hash & bucket_mask_], hash);
  }
  [[nodiscard]] Waiting* find_next(const Waiting& entry) noexcept {
    return skip_others(entry.next, entry.hash);
  }
  // The oldest entry with this hash if there is no room for another one, else nullptr.
  [[nodiscard]] Waiting* oldest_if_crowded(uint64_t hash) noexcept;
  // Entries that stand under their question.
  [[nodiscard]] size_t by_question() const noexcept { return by_question_; }
  [[nodiscard]] Waiting* oldest(const WaitList& list) noexcept { return at(list.oldest); }
  // How long ago an entry came in, in entries.
  [[nodiscard]] uint32_t age(const Waiting& entry) const noexcept { return order_ - entry.order; }

  [[nodiscard]] bool full() const noexcept { return used_ == capacity(); }
  [[nodiscard]] bool store_fits(size_t wire_len) const noexcept {
    return wire_len <= Waiting::kInlineWire || store_.fits(wire_len);
  }
  struct Place {
    uint64_t hash;
    bool by_question;
  };
  // Preconditions: not full(), store_fits(), the hash is not crowded. The entry has one unit and is the
  // newest of `list`.
  Waiting& insert(const Leg& leg, const Place& place, uint64_t wire_hash, WaitList& list) noexcept;
  // `list` is the one that it was put into.
  void remove(Waiting& entry, WaitList& list) noexcept;

  // The first bytes of its message: header and question at least, as far as there are any.
  [[nodiscard]] const uint8_t* wire_start(const Waiting& entry) const noexcept {
    return entry.stored == 0 ? entry.wire : store_.start(entry.stored);
  }
  void copy_wire(const Waiting& entry, uint8_t* to) const noexcept;

  void prefetch_bucket(uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[hash & bucket_mask_]); }
  void prefetch_entry(uint64_t hash) const noexcept;

  [[nodiscard]] size_t used() const noexcept { return used_; }
  [[nodiscard]] size_t capacity() const noexcept { return entries_.size() - 1; }
  [[nodiscard]] const WireStore& store() const noexcept { return store_; }

 private:
  [[nodiscard]] Waiting* at(uint32_t ref) noexcept { return ref == 0 ? nullptr : &entries_[ref]; }
  [[nodiscard]] uint32_t ref(const Waiting& entry) const noexcept {
    return static_cast<uint32_t>(entries_.index_of(entry));
  }
  [[nodiscard]] Waiting* skip_others(uint32_t from, uint64_t hash) noexcept {
    while (from != 0 && entries_[from].hash != hash) from = entries_[from].next;
    return at(from);
  }
  uint32_t take_entry() noexcept;

  LazyArray<Waiting> entries_;  // [0] is not used
  LazyArray<uint32_t> buckets_;
  uint64_t bucket_mask_;
  WireStore store_;
  size_t used_ = 0;
  size_t by_question_ = 0;
  uint32_t released_ = 0;   // entries that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first entry that was never used
  uint32_t order_ = 0;
};

}  // namespace weir
