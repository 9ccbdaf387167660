#include "exporters/record_block.h"

#include <cstring>

namespace weir {

RecordBlock::RecordBlock(size_t fill_bytes, size_t max_record_bytes)
    : fill_bytes_(fill_bytes),
      capacity_(fill_bytes + max_record_bytes),
      data_(std::make_unique_for_overwrite<char[]>(capacity_)),
      records_(std::make_unique_for_overwrite<Record[]>(kMaxRecords)) {}

bool RecordBlock::add(std::string_view record, uint32_t units, uint64_t arrival_ns) noexcept {
  if (full() || record.size() > capacity_ - used_) return false;
  std::memcpy(data_.get() + used_, record.data(), record.size());
  used_ += record.size();
  records_[count_++] = {arrival_ns, static_cast<uint32_t>(used_), units};
  return true;
}

RecordBlock::Count RecordBlock::write_to(size_t settled, uint64_t now_ns, Histogram& latency) noexcept {
  // The burst's clock was read before the event came over the ring.
  const auto observe = [&](uint64_t arrival_ns, uint64_t events) {
    latency.observe(now_ns > arrival_ns ? now_ns - arrival_ns : 0, events);
  };
  const uint32_t first = written_;
  const size_t bytes_before = written_bytes();
  uint32_t run = first;  // records from here on arrived at the same time
  Count count;
  for (; written_ < count_ && records_[written_].end <= settled; ++written_) {
    const Record& record = records_[written_];
    count.units += record.units;
    if (record.arrival_ns != records_[run].arrival_ns) {
      observe(records_[run].arrival_ns, written_ - run);
      run = written_;
    }
  }
  if (written_ == first) return count;
  observe(records_[run].arrival_ns, written_ - run);
  count.events = written_ - first;
  count.bytes = written_bytes() - bytes_before;
  return count;
}

RecordBlock::Count RecordBlock::drop_to(size_t settled) noexcept {
  const size_t bytes_before = written_bytes();
  Count count;
  for (; written_ < count_ && records_[written_].end <= settled; ++written_) {
    count.units += records_[written_].units;
    ++count.events;
  }
  count.bytes = written_bytes() - bytes_before;
  return count;
}

size_t RecordBlock::record_start(size_t end) const noexcept {
  uint32_t i = written_;
  while (i < count_ && records_[i].end < end) ++i;
  return i == 0 ? 0 : records_[i - 1].end;
}

RecordBlock::Count RecordBlock::rest() const noexcept {
  Count count{.events = count_ - written_, .units = 0, .bytes = used_ - written_bytes()};
  for (uint32_t i = written_; i < count_; ++i) count.units += records_[i].units;
  return count;
}

uint64_t RecordBlock::events_behind(size_t offset) const noexcept {
  uint32_t i = count_;
  while (i != 0 && records_[i - 1].end > offset) --i;
  return count_ - i;
}

}  // namespace weir
