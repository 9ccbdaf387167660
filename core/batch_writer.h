// BatchWriter: the producing end of one ring. Records are built in place in the open batch, which goes to the
// ring when it is full, and at the end of a burst when the consumer has nothing else to do (so batches grow
// by themselves under load and a lone record never waits). Owner: the producing lcore.
#pragma once

#include <cstdint>

#include "core/batch.h"
#include "core/clock.h"
#include "core/ring.h"

namespace weir {

class BatchWriter {
 public:
  enum class Full : uint8_t { none, ring, pool };

  // Both outlive the writer.
  BatchWriter(Ring& ring, BatchPool& pool) : ring_(ring), pool_(pool) {}

  // Room for a record of `bytes` (its header included), 8-aligned, or nullptr: then full() tells why, and
  // nothing changed. The caller fills it, sets record_len = padded(bytes) or less, and calls commit().
  [[nodiscard]] uint8_t* reserve(size_t bytes, uint64_t mono_ns) noexcept;
  // The record at the last reserve() counts as `units`; record_len bytes are kept.
  void commit(uint32_t record_len, uint32_t units) noexcept;
  // Puts a mark behind all records so far; those that follow in the same batch may pass it. false: no room,
  // call again.
  [[nodiscard]] bool put(const Mark& mark, uint64_t mono_ns) noexcept;
  // End of a burst: pushes the open batch if the consumer is idle or the batch has waited 1 ms.
  void end_burst(uint64_t mono_ns) noexcept;
  // Pushes what is open. false: the ring is full, call again.
  [[nodiscard]] bool flush() noexcept;

  [[nodiscard]] Full full() const noexcept { return full_; }
  [[nodiscard]] uint64_t open_units() const noexcept { return open_units_.get(); }  // any thread
  // Drain time is over: the open batch's units, which the caller counts as dropped; the batch goes home.
  uint64_t abandon() noexcept;
  [[nodiscard]] Ring& ring() const noexcept { return ring_; }

  static constexpr uint32_t padded(size_t bytes) noexcept {
    return static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  }

 private:
  Ring& ring_;
  BatchPool& pool_;
  Batch* open_ = nullptr;
  Full full_ = Full::none;
  Counter open_units_;
};

}  // namespace weir
