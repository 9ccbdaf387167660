#include "dataplane/reassembly/datagram_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir {

DatagramKey::DatagramKey(const IpAddr& src, const IpAddr& dst, uint32_t id, uint8_t protocol) noexcept {
  std::memcpy(bytes.data(), src.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, dst.bytes.data(), 16);
  std::memcpy(bytes.data() + 32, &id, 4);
  bytes[36] = src.len;
  bytes[37] = dst.len;
  bytes[38] = src.len == 16 ? uint8_t{0} : protocol;
}

DatagramTable::DatagramTable(size_t datagrams, uint64_t seed)
    : hash_(seed), entries_(entries_for(datagrams)), buckets_(buckets_for(datagrams)) {}

size_t DatagramTable::entries_for(size_t datagrams) noexcept { return std::max<size_t>(datagrams, 1) + 1; }

size_t DatagramTable::buckets_for(size_t datagrams) noexcept {
  return std::bit_ceil(std::max<size_t>(datagrams, 1)) * 2;
}

size_t DatagramTable::memory_bytes(size_t datagrams) noexcept {
  return entries_for(datagrams) * sizeof(KnownDatagram) + buckets_for(datagrams) * sizeof(uint32_t);
}

KnownDatagram* DatagramTable::find(const DatagramKey& key) noexcept {
  KnownDatagram* datagram = at(buckets_[bucket_of(key)]);
  while (datagram != nullptr && datagram->key != key) datagram = at(datagram->next);
  return datagram;
}

KnownDatagram& DatagramTable::insert(const DatagramKey& key, uint64_t now_ns) noexcept {
  ++used_;
  uint32_t index = released_;
  if (index != 0) {
    released_ = entries_[index].next;
  } else {
    index = untouched_++;
  }
  KnownDatagram& datagram = entries_[index];
  datagram = {};
  datagram.key = key;
  datagram.bucket = bucket_of(key);
  datagram.next = buckets_[datagram.bucket];
  buckets_[datagram.bucket] = index;
  append(datagram, now_ns);
  return datagram;
}

void DatagramTable::remove(KnownDatagram& datagram) noexcept {
  const auto index = static_cast<uint32_t>(entries_.index_of(datagram));
  uint32_t* link = &buckets_[datagram.bucket];
  while (*link != index) link = &entries_[*link].next;
  *link = datagram.next;
  unlist(datagram);
  datagram.next = released_;
  released_ = index;
  --used_;
}

void DatagramTable::move(KnownDatagram& datagram, DatagramState state, uint64_t now_ns) noexcept {
  unlist(datagram);
  datagram.state = state;
  append(datagram, now_ns);
}

void DatagramTable::append(KnownDatagram& datagram, uint64_t now_ns) noexcept {
  const auto index = static_cast<uint32_t>(entries_.index_of(datagram));
  AgeList& to = list(datagram.state);
  datagram.since_ns = now_ns;
  datagram.older = to.newest;
  datagram.newer = 0;
  (to.newest != 0 ? entries_[to.newest].newer : to.oldest) = index;
  to.newest = index;
}

void DatagramTable::unlist(const KnownDatagram& datagram) noexcept {
  AgeList& from = list(datagram.state);
  (datagram.older != 0 ? entries_[datagram.older].newer : from.oldest) = datagram.newer;
  (datagram.newer != 0 ? entries_[datagram.newer].older : from.newest) = datagram.older;
}

}  // namespace weir
