// SegmentStore: copies of segments that wait for others, in chained blocks of a fixed store. Which stream a
// segment waits in is its SegmentQueue's business. Owner: TcpStreams, on its ingest lcore.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/lazy_array.h"

namespace weir {

// A part of a stream, in order: a segment, or what is new in it.
struct StreamPart {
  uint32_t seq = 0;
  uint32_t hole = 0;               // sequence numbers behind the bytes that the capture cut off
  uint32_t units = 0;              // that have not ended yet
  uint64_t time_ns = 0;            // of the segment
  std::span<const uint8_t> bytes;  // as captured

  [[nodiscard]] uint32_t len() const noexcept { return static_cast<uint32_t>(bytes.size()) + hole; }
  [[nodiscard]] uint32_t end() const noexcept { return seq + len(); }
  // Precondition: n <= len().
  void skip(uint32_t n) noexcept {
    const auto captured = std::min(n, static_cast<uint32_t>(bytes.size()));
    bytes = bytes.subspan(captured);
    hole -= n - captured;
    seq += n;
  }
};

class SegmentStore {
 public:
  static constexpr size_t kBlockSize = 512;

  // A block; the first of a segment's also says what the segment is.
  struct Block {
    uint32_t next_block;  // 0: the last
    uint32_t last_block;
    uint32_t previous;  // segment of the stream, in the order of the bytes; 0: none
    uint32_t next;
    uint32_t seq;
    uint32_t len;  // bytes; then come `hole` numbers without
    uint32_t hole;
    uint32_t units;
    uint32_t start;  // of the bytes in the block
    uint32_t blocks;
    uint64_t time_ns;
    uint8_t data[kBlockSize - 48];

    [[nodiscard]] uint32_t end() const noexcept { return seq + len + hole; }
  };
  static_assert(sizeof(Block) == kBlockSize);
  static constexpr uint32_t kBlockBytes = sizeof(Block::data);

  explicit SegmentStore(size_t blocks);

  // Also of a segment without bytes.
  static constexpr size_t blocks_for(size_t bytes) {
    return bytes == 0 ? 1 : (bytes + kBlockBytes - 1) / kBlockBytes;
  }
  [[nodiscard]] size_t capacity() const noexcept { return blocks_.size() - 1; }  // blocks
  [[nodiscard]] size_t available() const noexcept { return free_; }
  [[nodiscard]] size_t used() const noexcept { return capacity() - free_; }

  Block& operator[](uint32_t handle) noexcept { return blocks_[handle]; }
  const Block& operator[](uint32_t handle) const noexcept { return blocks_[handle]; }

  // Precondition: blocks_for() its bytes are available. Not linked. The handle is not 0.
  [[nodiscard]] uint32_t put(const StreamPart& part) noexcept;
  // Preconditions: it has no hole, part.seq is its end; blocks_for() the bytes are available.
  void append(uint32_t handle, const StreamPart& part) noexcept;
  // Takes the first n numbers away. Precondition: n is less than it has. The handle from now on; the links
  // are the caller's to mend.
  [[nodiscard]] uint32_t trim(uint32_t handle, uint32_t n) noexcept;
  void copy(uint32_t handle, size_t from, size_t len, uint8_t* to) const noexcept;
  void release(uint32_t handle) noexcept;

 private:
  uint32_t take_block() noexcept;
  void fill(Block& segment, std::span<const uint8_t> bytes, size_t used) noexcept;

  LazyArray<Block> blocks_;  // [0] is not used
  size_t free_;
  uint32_t released_ = 0;   // the blocks that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first block that was never used
};

}  // namespace weir
