// DatagramTable: the datagrams that Fragments knows of, found by key and listed by age, of which there are a
// fixed number. Owner: Fragments; ingest lcore; hot path.
#pragma once

#include <array>
#include <cstdint>

#include "core/addr.h"
#include "core/drop.h"
#include "core/lazy_array.h"
#include "core/seeded_hash.h"
#include "dataplane/reassembly/fragment_store.h"

namespace weir {

// What fragments of one datagram have in common. protocol: 0 for IPv6, whose fragments may differ in it
// (RFC 8200 section 4.5).
struct DatagramKey {
  std::array<uint8_t, 40> bytes{};

  DatagramKey() = default;
  DatagramKey(const IpAddr& src, const IpAddr& dst, uint32_t id, uint8_t protocol) noexcept;
  bool operator==(const DatagramKey&) const = default;
};

enum class DatagramState : uint8_t {
  waiting,   // for fragments
  done,      // complete: later copies of its fragments are told from new ones
  given_up,  // later fragments end with the same reason
};

struct KnownDatagram {
  DatagramKey key;
  uint64_t since_ns = 0;  // of elapsed time: when it came into its state
  uint32_t bucket = 0;
  uint32_t next = 0;  // in the bucket
  uint32_t older = 0;
  uint32_t newer = 0;
  DatagramState state = DatagramState::waiting;
  Drop reason = Drop::count_;  // given_up
  uint8_t protocol = 0;        // of the fragment at offset 0
  FragmentList fragments;      // waiting
  uint32_t units = 0;          // of those
  uint32_t wire_bytes = 0;     // that they cover
  uint32_t more_end = 0;       // the furthest end of those that are not the last
  uint32_t end = 0;            // of the last one, 0: has not come
};

class DatagramTable {
 public:
  DatagramTable(size_t datagrams, uint64_t seed);
  static size_t memory_bytes(size_t datagrams) noexcept;

  // nullptr: not there.
  [[nodiscard]] KnownDatagram* find(const DatagramKey& key) noexcept;
  [[nodiscard]] bool full() const noexcept { return used_ == entries_.size() - 1; }
  // Precondition: not full(), not there. It is waiting.
  KnownDatagram& insert(const DatagramKey& key, uint64_t now_ns) noexcept;
  void remove(KnownDatagram& datagram) noexcept;
  // To the end of another list, as of now.
  void move(KnownDatagram& datagram, DatagramState state, uint64_t now_ns) noexcept;

  // In order of since_ns; nullptr: none.
  [[nodiscard]] KnownDatagram* oldest(DatagramState state) noexcept { return at(list(state).oldest); }
  [[nodiscard]] KnownDatagram* newer(const KnownDatagram& datagram) noexcept { return at(datagram.newer); }

 private:
  struct AgeList {
    uint32_t oldest = 0;
    uint32_t newest = 0;
  };
  static size_t buckets_for(size_t datagrams) noexcept;
  static size_t entries_for(size_t datagrams) noexcept;
  [[nodiscard]] AgeList& list(DatagramState state) noexcept { return lists_[static_cast<size_t>(state)]; }
  [[nodiscard]] KnownDatagram* at(uint32_t ref) noexcept { return ref == 0 ? nullptr : &entries_[ref]; }
  [[nodiscard]] uint32_t bucket_of(const DatagramKey& key) const noexcept {
    return static_cast<uint32_t>(hash_.bytes(key.bytes) & (buckets_.size() - 1));
  }
  void append(KnownDatagram& datagram, uint64_t now_ns) noexcept;
  void unlist(const KnownDatagram& datagram) noexcept;

  SeededHash hash_;
  LazyArray<KnownDatagram> entries_;  // [0] is not used
  LazyArray<uint32_t> buckets_;
  std::array<AgeList, 3> lists_;
  size_t used_ = 0;
  uint32_t released_ = 0;   // entries that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first entry that was never used
};

}  // namespace weir
