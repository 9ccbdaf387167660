#include "dataplane/reassembly/tcp_stream_table.h"

#include <algorithm>
#include <bit>

#include "core/same_endpoint.h"

namespace weir {
namespace {

// Ports mostly differ.
bool comes_first(const Endpoint& a, const Endpoint& b) {
  return a.port != b.port ? a.port < b.port : a.addr < b.addr;
}

size_t buckets_for(size_t streams) { return std::bit_ceil(streams) * 2; }

}  // namespace

TcpStreamTable::TcpStreamTable(size_t streams, uint64_t seed)
    : hash_(seed),
      streams_(streams + 1),
      buckets_(buckets_for(streams)),
      bucket_mask_(static_cast<uint32_t>(buckets_.size() - 1)) {}

size_t TcpStreamTable::memory_bytes(size_t streams) noexcept {
  return (streams + 1) * sizeof(TcpStream) + buckets_for(streams) * sizeof(uint32_t);
}

uint32_t TcpStreamTable::hash(const Endpoint& a, const Endpoint& b) const noexcept {
  const bool in_order = comes_first(a, b);
  return static_cast<uint32_t>(hash_.flow_id(in_order ? a : b, in_order ? b : a, 0));
}

uint32_t TcpStreamTable::find(const Endpoint& a, const Endpoint& b, uint32_t hash) const noexcept {
  uint32_t ref = buckets_[hash & bucket_mask_];
  for (; ref != 0; ref = streams_[ref].next) {
    const TcpStream& stream = streams_[ref];
    if (stream.hash != hash) continue;
    const bool from_first = same_endpoint(stream.ends[0], a) && same_endpoint(stream.ends[1], b);
    if (from_first || (same_endpoint(stream.ends[0], b) && same_endpoint(stream.ends[1], a))) break;
  }
  return ref;
}

uint32_t TcpStreamTable::insert(const Endpoint& src, const Endpoint& dst, uint32_t hash) noexcept {
  uint32_t ref = released_;
  if (ref != 0) {
    released_ = streams_[ref].next;
  } else {
    ref = untouched_++;
  }
  TcpStream& stream = streams_[ref];
  stream = TcpStream{};
  stream.ends[0] = src;
  stream.ends[1] = dst;
  stream.hash = hash;
  uint32_t& bucket = buckets_[hash & bucket_mask_];
  stream.next = bucket;
  bucket = ref;
  ++used_;
  by_activity_[static_cast<size_t>(stream.kind)].push(streams_, ref);
  return ref;
}

void TcpStreamTable::remove(uint32_t ref) noexcept {
  TcpStream& stream = streams_[ref];
  wait(ref, StreamWait::none, 0);
  by_activity_[static_cast<size_t>(stream.kind)].remove(streams_, ref);
  uint32_t* link = &buckets_[stream.hash & bucket_mask_];
  while (*link != ref) link = &streams_[*link].next;
  *link = stream.next;
  stream.next = released_;
  released_ = ref;
  --used_;
}

void TcpStreamTable::touch(uint32_t ref, StreamKind kind, uint64_t now_ns) noexcept {
  TcpStream& stream = streams_[ref];
  stream.active_ns = now_ns;
  auto& list = by_activity_[static_cast<size_t>(kind)];
  if (stream.kind == kind) {
    list.to_newest(streams_, ref);
    return;
  }
  by_activity_[static_cast<size_t>(stream.kind)].remove(streams_, ref);
  list.push(streams_, ref);
  stream.kind = kind;
}

void TcpStreamTable::wait(uint32_t ref, StreamWait wait, uint64_t now_ns) noexcept {
  TcpStream& stream = streams_[ref];
  if (stream.wait != StreamWait::none) by_wait_[static_cast<size_t>(stream.wait) - 1].remove(streams_, ref);
  stream.wait = wait;
  stream.waiting_ns = now_ns;
  if (wait != StreamWait::none) by_wait_[static_cast<size_t>(wait) - 1].push(streams_, ref);
}

}  // namespace weir
