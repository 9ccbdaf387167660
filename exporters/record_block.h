// RecordBlock: records back to back in one piece of memory, with what is counted of each. Filled by a format,
// given to a sink, or to several receivers. Owner: the export lcore of its output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/histogram.h"
#include "exporters/formats/record_format.h"

namespace weir {

class RecordBlock {
 public:
  struct Count {
    uint64_t events = 0;
    uint64_t units = 0;
    uint64_t bytes = 0;
  };

  // Takes no further record once it has fill_bytes or more. Its memory is only touched as far as it was ever
  // filled.
  RecordBlock(size_t fill_bytes, size_t max_record_bytes);

  void clear() noexcept { used_ = count_ = written_ = 0; }
  [[nodiscard]] bool full() const noexcept { return used_ >= fill_bytes_ || count_ == kMaxRecords; }
  // Precondition: not full(). Returns the record's length; 0: the format writes nothing, and there is no
  // record.
  template <class From>
  size_t put(const From& from, uint64_t seq, RecordFormatOf<From>& format) noexcept {
    char* start = data_.get() + used_;
    const auto len = static_cast<size_t>(format.write(from, seq, start) - start);
    if (len == 0) return 0;
    used_ += len;
    records_[count_++] = {from.arrival_ns, static_cast<uint32_t>(used_), from.units};
    return len;
  }

  // One that was written before. false: there is no room for it.
  bool add(std::string_view record, uint32_t units, uint64_t arrival_ns) noexcept;
  // Calls on_record(end, units) for each that is not written; end counts from the first of these.
  template <class OnRecord>
  void each_left(const OnRecord& on_record) const {
    const size_t from = written_bytes();
    for (uint32_t i = written_; i < count_; ++i)
      on_record(static_cast<uint32_t>(records_[i].end - from), records_[i].units);
  }
  [[nodiscard]] std::string_view bytes_left() const noexcept { return bytes().substr(written_bytes()); }

  [[nodiscard]] std::string_view bytes() const noexcept { return {data_.get(), used_}; }
  [[nodiscard]] size_t size() const noexcept { return used_; }
  // Of the records from the first on that were counted as written or dropped.
  [[nodiscard]] size_t written_bytes() const noexcept {
    return written_ == 0 ? 0 : records_[written_ - 1].end;
  }
  [[nodiscard]] bool all_written() const noexcept { return written_ == count_; }

  // The records that end within the first `settled` bytes are written: those that were not yet.
  Count write_to(size_t settled, uint64_t now_ns, Histogram& latency) noexcept;
  // The same, but they are dropped.
  Count drop_to(size_t settled) noexcept;
  // Where the record that ends at `end` begins; it is not written yet.
  [[nodiscard]] size_t record_start(size_t end) const noexcept;
  // Those that are not written.
  [[nodiscard]] Count rest() const noexcept;
  // How many records end behind `offset`.
  [[nodiscard]] uint64_t events_behind(size_t offset) const noexcept;

 private:
  struct Record {
    uint64_t arrival_ns;
    uint32_t end;  // offset behind its last byte
    uint32_t units;
  };
  static constexpr uint32_t kMaxRecords = 4096;

  size_t fill_bytes_;
  size_t capacity_;
  std::unique_ptr<char[]> data_;
  std::unique_ptr<Record[]> records_;
  size_t used_ = 0;
  uint32_t count_ = 0;
  uint32_t written_ = 0;
};

}  // namespace weir
