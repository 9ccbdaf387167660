#include "dataplane/reassembly/fragment_store.h"

#include <algorithm>
#include <cstring>

namespace weir {

FragmentStore::FragmentStore(size_t bytes) : blocks_(blocks_in(bytes) + 1), free_(blocks_.size() - 1) {}

size_t FragmentStore::blocks_in(size_t bytes) noexcept {
  // Every fragment may leave its last block nearly empty.
  constexpr size_t kOneDatagram = 65'535 / Block::kData + kMaxCount;
  return std::max(bytes / kBlockBytes, kOneDatagram);
}

size_t FragmentStore::memory_bytes(size_t bytes) noexcept { return (blocks_in(bytes) + 1) * kBlockBytes; }

uint32_t FragmentStore::take_block() noexcept {
  --free_;
  if (released_ == 0) return untouched_++;
  const uint32_t block = released_;
  released_ = blocks_[block].next;
  return block;
}

void FragmentStore::put(FragmentList& list, uint32_t after, uint32_t offset, uint32_t wire_len,
                        std::span<const uint8_t> payload) noexcept {
  const uint32_t first = take_block();
  Block& head = blocks_[first];
  head.offset = static_cast<uint16_t>(offset);
  head.wire_len = static_cast<uint16_t>(wire_len);
  head.captured = static_cast<uint16_t>(payload.size());
  uint32_t block = first;
  ++list.blocks;
  for (;;) {
    const size_t len = std::min(payload.size(), Block::kData);
    if (len != 0) std::memcpy(blocks_[block].data, payload.data(), len);
    payload = payload.subspan(len);
    if (payload.empty()) break;
    const uint32_t next = take_block();
    blocks_[block].next = next;
    block = next;
    ++list.blocks;
  }
  blocks_[block].next = list.first_block;
  if (list.first_block == 0) list.last_block = block;
  list.first_block = first;

  uint32_t& link = after == 0 ? list.first : blocks_[after].following;
  head.following = link;
  link = first;
  if (head.following == 0) list.last = first;
  ++list.count;
}

void FragmentStore::release(FragmentList& list) noexcept {
  if (list.first_block != 0) {
    blocks_[list.last_block].next = released_;
    released_ = list.first_block;
    free_ += list.blocks;
  }
  list = {};
}

bool FragmentStore::agrees(uint32_t fragment, uint32_t offset,
                           std::span<const uint8_t> bytes) const noexcept {
  const uint32_t start = blocks_[fragment].offset;
  const uint32_t to = std::min(captured_end(fragment), offset + static_cast<uint32_t>(bytes.size()));
  uint32_t block = fragment;
  uint32_t block_start = start;
  for (uint32_t at = std::max(start, offset); at < to;) {
    for (; at - block_start >= Block::kData; block_start += Block::kData) block = blocks_[block].next;
    const size_t in_block = at - block_start;
    const size_t len = std::min<size_t>(to - at, Block::kData - in_block);
    if (std::memcmp(blocks_[block].data + in_block, bytes.data() + (at - offset), len) != 0) return false;
    at += static_cast<uint32_t>(len);
  }
  return true;
}

void FragmentStore::copy(uint32_t fragment, uint8_t* datagram) const noexcept {
  uint8_t* to = datagram + blocks_[fragment].offset;
  size_t len = blocks_[fragment].captured;
  for (uint32_t block = fragment; len != 0; block = blocks_[block].next) {
    const size_t part = std::min(len, Block::kData);
    std::memcpy(to, blocks_[block].data, part);
    to += part;
    len -= part;
  }
}

}  // namespace weir
