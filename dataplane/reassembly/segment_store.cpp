#include "dataplane/reassembly/segment_store.h"

#include <cstring>

namespace weir {

SegmentStore::SegmentStore(size_t blocks) : blocks_(blocks + 1), free_(blocks) {}

uint32_t SegmentStore::take_block() noexcept {
  --free_;
  uint32_t block = untouched_;
  if (released_ != 0) {
    block = released_;
    released_ = blocks_[block].next_block;
  } else {
    ++untouched_;
  }
  blocks_[block].next_block = 0;
  return block;
}

// `used`: of the last block.
void SegmentStore::fill(Block& segment, std::span<const uint8_t> bytes, size_t used) noexcept {
  segment.len += static_cast<uint32_t>(bytes.size());
  while (!bytes.empty()) {
    if (used == kBlockBytes) {
      const uint32_t block = take_block();
      blocks_[segment.last_block].next_block = block;
      segment.last_block = block;
      ++segment.blocks;
      used = 0;
    }
    const size_t part = std::min<size_t>(bytes.size(), kBlockBytes - used);
    std::memcpy(blocks_[segment.last_block].data + used, bytes.data(), part);
    bytes = bytes.subspan(part);
    used += part;
  }
}

uint32_t SegmentStore::put(const StreamPart& part) noexcept {
  const uint32_t handle = take_block();
  Block& segment = blocks_[handle];
  segment.last_block = handle;
  segment.previous = segment.next = 0;
  segment.seq = part.seq;
  segment.len = 0;
  segment.hole = part.hole;
  segment.units = part.units;
  segment.start = 0;
  segment.blocks = 1;
  segment.time_ns = part.time_ns;
  fill(segment, part.bytes, 0);
  return handle;
}

void SegmentStore::append(uint32_t handle, const StreamPart& part) noexcept {
  Block& segment = blocks_[handle];
  fill(segment, part.bytes, segment.start + segment.len - size_t{segment.blocks - 1} * kBlockBytes);
  segment.hole = part.hole;
  segment.units += part.units;
  segment.time_ns = std::max(segment.time_ns, part.time_ns);
}

uint32_t SegmentStore::trim(uint32_t handle, uint32_t n) noexcept {
  Block* segment = &blocks_[handle];
  const uint32_t bytes = std::min(n, segment->len);
  segment->seq += n;
  segment->hole -= n - bytes;
  segment->len -= bytes;
  segment->start += bytes;
  while (segment->start >= kBlockBytes && segment->next_block != 0) {
    const uint32_t next = segment->next_block;
    Block& moved = blocks_[next];
    std::memcpy(&moved.last_block, &segment->last_block, offsetof(Block, data) - offsetof(Block, last_block));
    moved.start -= kBlockBytes;
    --moved.blocks;
    segment->next_block = released_;
    released_ = handle;
    ++free_;
    handle = next;
    segment = &moved;
  }
  return handle;
}

void SegmentStore::copy(uint32_t handle, size_t from, size_t len, uint8_t* to) const noexcept {
  size_t at = blocks_[handle].start + from;
  uint32_t block = handle;
  for (; at >= kBlockBytes && len != 0; at -= kBlockBytes) block = blocks_[block].next_block;
  while (len != 0) {
    const size_t part = std::min(len, kBlockBytes - at);
    std::memcpy(to, blocks_[block].data + at, part);
    to += part;
    len -= part;
    at = 0;
    block = blocks_[block].next_block;
  }
}

void SegmentStore::release(uint32_t handle) noexcept {
  Block& segment = blocks_[handle];
  free_ += segment.blocks;
  blocks_[segment.last_block].next_block = released_;
  released_ = handle;
}

}  // namespace weir
