// FragmentStore: the bytes of fragments that wait, in chained blocks of a fixed store. A datagram's fragments
// are listed by offset and do not overlap. Owner: Fragments; ingest lcore; hot path.
#pragma once

#include <cstdint>
#include <span>

#include "core/lazy_array.h"

namespace weir {

// One datagram's fragments. Zero bytes: none.
struct FragmentList {
  uint32_t first = 0;  // by offset
  uint32_t last = 0;
  uint32_t count = 0;
  // All their blocks are one chain, so that it is given back at once, however many there are.
  uint32_t first_block = 0;
  uint32_t last_block = 0;
  uint32_t blocks = 0;
};

class FragmentStore {
 public:
  static constexpr size_t kBlockBytes = 512;
  static constexpr size_t kMaxCount = 128;  // of a datagram

  // Room for `bytes`, and in any case for one datagram of kMaxCount fragments.
  explicit FragmentStore(size_t bytes);
  static size_t memory_bytes(size_t bytes) noexcept;

  [[nodiscard]] bool fits(size_t bytes) const noexcept { return blocks_for(bytes) <= free_; }
  // after: the fragment before it in the list, 0: none. Preconditions: fits(), its end is at most 65,535.
  void put(FragmentList& list, uint32_t after, uint32_t offset, uint32_t wire_len,
           std::span<const uint8_t> payload) noexcept;
  void release(FragmentList& list) noexcept;

  [[nodiscard]] uint32_t next(uint32_t fragment) const noexcept { return blocks_[fragment].following; }
  [[nodiscard]] uint32_t offset(uint32_t fragment) const noexcept { return blocks_[fragment].offset; }
  [[nodiscard]] uint32_t end(uint32_t fragment) const noexcept {
    return uint32_t{blocks_[fragment].offset} + blocks_[fragment].wire_len;
  }
  // Where the bytes end that were captured of it.
  [[nodiscard]] uint32_t captured_end(uint32_t fragment) const noexcept {
    return uint32_t{blocks_[fragment].offset} + blocks_[fragment].captured;
  }
  // Whether `bytes`, which begin at `offset` of the datagram, are the same where both were captured.
  [[nodiscard]] bool agrees(uint32_t fragment, uint32_t offset,
                            std::span<const uint8_t> bytes) const noexcept;
  // Copies what was captured of it to its place in the datagram.
  void copy(uint32_t fragment, uint8_t* datagram) const noexcept;

  [[nodiscard]] size_t capacity() const noexcept { return blocks_.size() - 1; }  // blocks
  [[nodiscard]] size_t used() const noexcept { return capacity() - free_; }

 private:
  struct Block {
    uint32_t next;  // of the datagram's, or of those that came back
    // A fragment's first block:
    uint32_t following;  // the first block of the fragment behind it
    uint16_t offset;
    uint16_t wire_len;
    uint16_t captured;
    // 1,480 bytes, the usual fragment, take three blocks.
    static constexpr size_t kHead = 14;
    static constexpr size_t kData = kBlockBytes - kHead;
    uint8_t data[kData];
  };
  static_assert(sizeof(Block) == kBlockBytes);

  // Nothing captured takes a block, too: the place is kept.
  static constexpr size_t blocks_for(size_t bytes) {
    return bytes == 0 ? 1 : (bytes + Block::kData - 1) / Block::kData;
  }
  static size_t blocks_in(size_t bytes) noexcept;
  uint32_t take_block() noexcept;

  LazyArray<Block> blocks_;  // [0] is not used
  size_t free_;
  uint32_t released_ = 0;   // the blocks that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first block that was never used
};

}  // namespace weir
