// TcpStreamTable: the connections of TcpStreams, by endpoints, in lists by what is to become of them. Memory
// is fixed. Owner: TcpStreams, on its ingest lcore.
#pragma once

#include <array>
#include <cstdint>

#include "core/addr.h"
#include "core/lazy_array.h"
#include "core/seeded_hash.h"
#include "dataplane/reassembly/half_stream.h"

namespace weir {

struct ListLinks {
  uint32_t older;
  uint32_t newer;
};

// By activity; a stream is in one of them.
enum class StreamKind : uint8_t {
  bare,      // never carried data: these go first
  carrying,  // did
  closed     // over; kept for a while, so that a retransmission is known as one
};
constexpr size_t kStreamKinds = 3;

// By what waits in it.
enum class StreamWait : uint8_t {
  none,
  started,  // unfinished messages
  gapped    // something is missing
};

struct alignas(64) TcpStream {
  Endpoint ends[2];  // [0] sent the first segment that was seen
  uint32_t next;     // in the bucket
  uint32_t flow;
  uint32_t hash;
  StreamKind kind;
  StreamWait wait;
  uint8_t client;  // which end, with has_syn
  bool has_syn;
  bool has_syn_ack;
  bool has_setup;
  HalfStream halves[2];  // [i]: what ends[i] sends
  ListLinks by_activity;
  ListLinks by_wait;
  uint64_t active_ns;   // of elapsed time, as the next
  uint64_t waiting_ns;  // since it stands where it does in its list of StreamWait
  uint64_t syn_ns;      // of the packet
  uint64_t setup_ns;
};

template <ListLinks TcpStream::*Links>
class StreamList {
 public:
  [[nodiscard]] uint32_t oldest() const noexcept { return oldest_; }
  void push(LazyArray<TcpStream>& streams, uint32_t ref) noexcept {
    streams[ref].*Links = {newest_, 0};
    (newest_ == 0 ? oldest_ : (streams[newest_].*Links).newer) = ref;
    newest_ = ref;
  }
  void remove(LazyArray<TcpStream>& streams, uint32_t ref) noexcept {
    const ListLinks links = streams[ref].*Links;
    (links.older == 0 ? oldest_ : (streams[links.older].*Links).newer) = links.newer;
    (links.newer == 0 ? newest_ : (streams[links.newer].*Links).older) = links.older;
  }
  void to_newest(LazyArray<TcpStream>& streams, uint32_t ref) noexcept {
    if (ref == newest_) return;
    remove(streams, ref);
    push(streams, ref);
  }

 private:
  uint32_t oldest_ = 0;
  uint32_t newest_ = 0;
};

class TcpStreamTable {
 public:
  TcpStreamTable(size_t streams, uint64_t seed);

  [[nodiscard]] uint32_t hash(const Endpoint& a, const Endpoint& b) const noexcept;
  // 0: none. Either end may be the first.
  [[nodiscard]] uint32_t find(const Endpoint& a, const Endpoint& b, uint32_t hash) const noexcept;
  // Precondition: not full(). All else is zero.
  [[nodiscard]] uint32_t insert(const Endpoint& src, const Endpoint& dst, uint32_t hash) noexcept;
  void remove(uint32_t ref) noexcept;

  TcpStream& operator[](uint32_t ref) noexcept { return streams_[ref]; }
  [[nodiscard]] bool full() const noexcept { return used_ == capacity(); }
  [[nodiscard]] size_t used() const noexcept { return used_; }
  [[nodiscard]] size_t capacity() const noexcept { return streams_.size() - 1; }
  static size_t memory_bytes(size_t streams) noexcept;

  // The one that was idle longest; 0: none.
  [[nodiscard]] uint32_t oldest(StreamKind kind) const noexcept {
    return by_activity_[static_cast<size_t>(kind)].oldest();
  }
  void touch(uint32_t ref, StreamKind kind, uint64_t now_ns) noexcept;
  // The one that has been in the list longest; 0: none. Not for none.
  [[nodiscard]] uint32_t oldest(StreamWait wait) const noexcept { return by_wait_of(wait).oldest(); }
  // The newest of its list from now on.
  void wait(uint32_t ref, StreamWait wait, uint64_t now_ns) noexcept;

 private:
  [[nodiscard]] const StreamList<&TcpStream::by_wait>& by_wait_of(StreamWait wait) const noexcept {
    return by_wait_[static_cast<size_t>(wait) - 1];
  }

  SeededHash hash_;
  LazyArray<TcpStream> streams_;  // [0] is not used
  LazyArray<uint32_t> buckets_;
  uint32_t bucket_mask_;
  size_t used_ = 0;
  uint32_t released_ = 0;
  uint32_t untouched_ = 1;
  std::array<StreamList<&TcpStream::by_activity>, kStreamKinds> by_activity_;
  std::array<StreamList<&TcpStream::by_wait>, 2> by_wait_;
};

}  // namespace weir
