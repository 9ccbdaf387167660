#include "dataplane/reassembly/half_stream.h"

namespace weir {

// What has come in order of a message is one segment in the store: many small ones would not fit otherwise.
bool SegmentQueue::may_append(const HalfStream& half, uint32_t seq) const noexcept {
  return half.synced && half.run_last != 0 && seq == half.run_end && store_[half.run_last].hole == 0;
}

void SegmentQueue::extend_run(HalfStream& half) noexcept {
  for (uint32_t next = behind_gap(half); next != 0 && store_[next].seq == half.run_end;
       next = store_[next].next) {
    half.run_last = next;
    half.run_end = store_[next].end();
  }
}

void SegmentQueue::insert(HalfStream& half, uint32_t after, uint32_t handle) noexcept {
  uint32_t& link = after == 0 ? half.first : store_[after].next;
  store_[handle].previous = after;
  store_[handle].next = link;
  (link == 0 ? half.last : store_[link].previous) = handle;
  link = handle;
  half.blocks += store_[handle].blocks;
}

SegmentQueue::Added SegmentQueue::add(HalfStream& half, StreamPart& part) noexcept {
  const auto from_read = [&half](uint32_t seq) { return seq - half.read_seq; };
  uint32_t before = half.last;
  while (before != 0 && from_read(store_[before].seq) > from_read(part.seq)) before = store_[before].previous;
  while (part.len() != 0) {
    if (before != 0 && seq_before(part.seq, store_[before].end()))
      part.skip(std::min(store_[before].end() - part.seq, part.len()));
    const uint32_t next = before == 0 ? half.first : store_[before].next;
    const uint32_t len = next == 0 ? part.len() : std::min(part.len(), store_[next].seq - part.seq);
    if (len == 0) {
      before = next;
      continue;
    }
    StreamPart fresh = part;
    fresh.bytes = part.bytes.first(std::min<size_t>(part.bytes.size(), len));
    fresh.hole = len - static_cast<uint32_t>(fresh.bytes.size());
    const size_t blocks = SegmentStore::blocks_for(fresh.bytes.size());
    if (half.blocks + blocks > max_blocks_) return Added::half_full;
    if (blocks > store_.available()) return Added::store_full;
    if (may_append(half, part.seq)) {
      before = half.run_last;
      half.blocks -= store_[before].blocks;
      store_.append(before, fresh);
      half.blocks += store_[before].blocks;
      half.run_end = store_[before].end();
    } else {
      const uint32_t handle = store_.put(fresh);
      insert(half, before, handle);
      before = handle;
    }
    extend_run(half);
    part.skip(len);
    part.units = 0;
  }
  return Added::all;
}

void SegmentQueue::unlink_first(HalfStream& half) noexcept {
  const uint32_t handle = half.first;
  half.read_seq = store_[handle].end();
  if (half.run_last == handle) half.run_last = 0;
  half.first = store_[handle].next;
  (half.first == 0 ? half.last : store_[half.first].previous) = 0;
  half.blocks -= store_[handle].blocks;
  store_.release(handle);
}

void SegmentQueue::trim_first(HalfStream& half, uint32_t n) noexcept {
  const uint32_t handle = half.first;
  half.blocks -= store_[handle].blocks;
  half.first = store_.trim(handle, n);
  half.blocks += store_[half.first].blocks;
  half.read_seq += n;
  if (half.run_last == handle) half.run_last = half.first;
  const uint32_t next = store_[half.first].next;
  (next == 0 ? half.last : store_[next].previous) = half.first;
}

SegmentQueue::Passed SegmentQueue::pass(HalfStream& half, uint32_t n, bool of_part) noexcept {
  Passed passed;
  while (n != 0) {
    SegmentStore::Block& segment = store_[half.first];
    const uint32_t len = segment.len + segment.hole;
    if (n >= len || of_part) {
      passed.units += segment.units;
      passed.time_ns = std::max(passed.time_ns, segment.time_ns);
      segment.units = 0;
    }
    if (n < len) {
      trim_first(half, n);
      break;
    }
    unlink_first(half);
    n -= len;
  }
  return passed;
}

void SegmentQueue::drop_run(HalfStream& half, Drop reason) noexcept {
  units_.end(reason, pass(half, half.run_end - half.read_seq, true).units);
}

void SegmentQueue::drop_all(HalfStream& half, Drop reason) noexcept {
  do {
    drop_run(half, reason);
    jump_gap(half);
  } while (half.waits());
}

void SegmentQueue::jump_gap(HalfStream& half) noexcept {
  if (!half.waits()) return;
  half.go_to(store_[half.first].seq);
  extend_run(half);
  half.synced = false;
}

size_t SegmentQueue::copy(const HalfStream& half, size_t max, uint8_t* to) const noexcept {
  size_t copied = 0;
  size_t left = std::min<size_t>(max, half.run_end - half.read_seq);
  for (uint32_t handle = half.first; left != 0; handle = store_[handle].next) {
    const size_t part = std::min<size_t>(left, store_[handle].len);
    store_.copy(handle, 0, part, to + copied);
    copied += part;
    left -= part;
    if (store_[handle].hole != 0) break;
  }
  return copied;
}

}  // namespace weir
