#include "decoder/wire_store.h"

#include <algorithm>
#include <cstring>

namespace weir {

WireStore::WireStore(size_t blocks)
    : blocks_(std::max(blocks, blocks_for(kMaxWire)) + 1), free_(blocks_.size() - 1) {}

uint32_t WireStore::take_block() noexcept {
  --free_;
  if (released_ == 0) return untouched_++;
  const uint32_t block = released_;
  released_ = blocks_[block].next;
  return block;
}

uint32_t WireStore::put(std::span<const uint8_t> bytes) noexcept {
  const uint32_t first = take_block();
  uint32_t block = first;
  for (;;) {
    const size_t len = std::min(bytes.size(), kContiguous);
    std::memcpy(blocks_[block].data, bytes.data(), len);
    bytes = bytes.subspan(len);
    if (bytes.empty()) break;
    const uint32_t next = take_block();
    blocks_[block].next = next;
    block = next;
  }
  blocks_[block].next = 0;
  return first;
}

void WireStore::copy(uint32_t handle, size_t len, uint8_t* to) const noexcept {
  for (uint32_t block = handle; len != 0; block = blocks_[block].next) {
    const size_t part = std::min(len, kContiguous);
    std::memcpy(to, blocks_[block].data, part);
    to += part;
    len -= part;
  }
}

void WireStore::release(uint32_t handle) noexcept {
  uint32_t last = handle;
  size_t blocks = 1;
  for (; blocks_[last].next != 0; last = blocks_[last].next) ++blocks;
  blocks_[last].next = released_;
  released_ = handle;
  free_ += blocks;
}

}  // namespace weir
