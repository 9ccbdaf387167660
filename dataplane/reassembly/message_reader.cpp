#include "dataplane/reassembly/message_reader.h"

#include "core/dns/wire_reader.h"
#include "dataplane/reassembly/message_scan.h"

namespace weir {
namespace {

// Bytes that are looked at first. Whoever makes a message follow each time that reading goes on, and nonsense
// behind it, would otherwise have all that waits copied each time.
constexpr size_t kFirstLook = 2048;

}  // namespace

MessageReader::MessageReader(SegmentQueue& queue, StreamUnits& units)
    : queue_(queue), units_(units), scratch_(kMessagePrefix + kMaxMessage) {}

bool MessageReader::read_in_place(HalfStream& half, StreamPart& part, Message& message) noexcept {
  while (!part.bytes.empty()) {
    if (!half.synced && !search_in_place(half, part)) return false;
    if (part.bytes.size() < kMessagePrefix) return false;
    const uint32_t len = load_be16(part.bytes.data());
    if (len < kMinMessage) {
      half.synced = false;
      continue;
    }
    if (part.bytes.size() < kMessagePrefix + len) return false;
    message = {part.bytes.subspan(kMessagePrefix, len), len, part.units, part.time_ns};
    part.skip(kMessagePrefix + len);
    part.units = 0;
    half.go_to(part.seq);
    return true;
  }
  if (part.hole == 0) return false;
  // A message begins in what was cut off.
  units_.end(Drop::tcp_gap, part.units);
  part.units = 0;
  part.skip(part.hole);
  half.go_to(part.seq);
  half.synced = false;
  return false;
}

// false: nothing was found; then only a segment that is too short to judge is left in `part`.
bool MessageReader::search_in_place(HalfStream& half, StreamPart& part) noexcept {
  const size_t place = find_message(part.bytes);
  half.synced = place != part.bytes.size();
  if (half.synced) {
    resyncs_.add(1);
    part.skip(static_cast<uint32_t>(place));
  } else if (part.hole == 0 && part.bytes.size() < kMinScan && may_be_message(part.bytes)) {
    return false;
  } else {
    units_.end(Drop::tcp_not_dns, part.units);
    part.units = 0;
    part.skip(part.len());
  }
  half.go_to(part.seq);
  return half.synced;
}

bool MessageReader::read(HalfStream& half, Message& message) noexcept {
  while (half.run_last != 0) {
    if (!half.synced && !search(half)) return false;
    uint8_t prefix[kMessagePrefix];
    const size_t there = queue_.copy(half, kMessagePrefix, prefix);
    const uint32_t run = half.run_end - half.read_seq;
    if (there < kMessagePrefix) {
      if (there == run) return false;
      lose_to_hole(half);
      continue;
    }
    const uint32_t len = load_be16(prefix);
    if (len < kMinMessage) {
      half.synced = false;
      continue;
    }
    if (run < kMessagePrefix + len) return false;
    const size_t copied = queue_.copy(half, kMessagePrefix + len, &scratch_[0]);
    const SegmentQueue::Passed passed = queue_.pass(half, kMessagePrefix + len, true);
    if (half.run_last != 0 && queue_.store()[half.first].len == 0) lose_to_hole(half);
    if (copied == kMessagePrefix) {
      units_.end(Drop::tcp_gap, passed.units);
      continue;
    }
    message = {{&scratch_[kMessagePrefix], copied - kMessagePrefix}, len, passed.units, passed.time_ns};
    return true;
  }
  return false;
}

// The next message begins where the capture cut bytes off: all up to there is lost.
void MessageReader::lose_to_hole(HalfStream& half) noexcept {
  bool hole = false;
  while (!hole) {
    const SegmentStore::Block& segment = queue_.store()[half.first];
    hole = segment.hole != 0;
    units_.end(Drop::tcp_gap, queue_.pass(half, segment.len + segment.hole, true).units);
  }
  half.synced = false;
}

bool MessageReader::search(HalfStream& half) noexcept {
  size_t look = kFirstLook;
  while (half.run_last != 0) {
    const size_t there = queue_.copy(half, look, &scratch_[0]);
    const auto searched = static_cast<uint32_t>(there);
    const uint32_t run = half.run_end - half.read_seq;
    const auto place = static_cast<uint32_t>(find_message({&scratch_[0], there}));
    half.synced = place != searched;
    const size_t end = half.synced ? place + kMessagePrefix + load_be16(&scratch_[place]) : searched;
    if (there == kFirstLook && end >= there && look == kFirstLook) {
      look = scratch_.size();
      continue;
    }
    const uint32_t keep_from = half.synced || searched != run ? place : first_undecided(half, searched);
    units_.end(Drop::tcp_not_dns, queue_.pass(half, keep_from, false).units);
    if (half.synced) {
      resyncs_.add(1);
      return true;
    }
    if (keep_from != searched) return false;
    // Behind a hole there is another chance.
    if (half.run_last != 0 && queue_.store()[half.first].len == 0)
      units_.end(Drop::tcp_not_dns, queue_.pass(half, queue_.store()[half.first].hole, true).units);
  }
  return false;
}

// Of all places where too little is there to judge, only the starts of segments are kept: senders that write
// the length by itself exist.
uint32_t MessageReader::first_undecided(const HalfStream& half, uint32_t searched) const noexcept {
  uint32_t handle = half.first;
  while (handle != 0) {
    const SegmentStore::Block& segment = queue_.store()[handle];
    const uint32_t place = segment.seq - half.read_seq;
    if (place >= searched) break;
    if (searched - place < kMinScan && may_be_message({&scratch_[place], searched - place})) return place;
    handle = segment.next;
  }
  return searched;
}

}  // namespace weir
