// WireStore: copies of messages that are too long for their table entry, in chained blocks of a fixed store.
// Owner: the match table.
#pragma once

#include <cstdint>
#include <span>

#include "core/lazy_array.h"

namespace weir {

class WireStore {
 public:
  // Bytes that stand together at the start of every copy: enough for header and question (RFC 1035 section
  // 2.3.4: a QNAME has at most 255).
  static constexpr size_t kContiguous = 316;
  static constexpr size_t kMaxWire = 65'535;  // longer messages are not kept

  // At least one message of any length always fits.
  explicit WireStore(size_t blocks);

  [[nodiscard]] bool fits(size_t bytes) const noexcept { return blocks_for(bytes) <= free_; }
  // Precondition: 0 < bytes.size() and fits(). The handle is not 0.
  [[nodiscard]] uint32_t put(std::span<const uint8_t> bytes) noexcept;
  [[nodiscard]] const uint8_t* start(uint32_t handle) const noexcept { return blocks_[handle].data; }
  void copy(uint32_t handle, size_t len, uint8_t* to) const noexcept;
  void release(uint32_t handle) noexcept;

  [[nodiscard]] size_t capacity() const noexcept { return blocks_.size() - 1; }  // blocks
  [[nodiscard]] size_t used() const noexcept { return capacity() - free_; }

 private:
  struct Block {
    uint32_t next;  // 0: the last
    uint8_t data[kContiguous];
  };

  static constexpr size_t blocks_for(size_t bytes) { return (bytes + kContiguous - 1) / kContiguous; }
  uint32_t take_block() noexcept;

  LazyArray<Block> blocks_;  // [0] is not used
  size_t free_;
  uint32_t released_ = 0;   // the blocks that came back, the last one first: its lines are in cache
  uint32_t untouched_ = 1;  // the first block that was never used
};

}  // namespace weir
