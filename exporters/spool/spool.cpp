#include "exporters/spool/spool.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "exporters/files/file_bytes.h"

namespace weir {
namespace {

constexpr uint64_t kRetryNs = kNsPerSec;
constexpr uint64_t kLeastSegment = 64U << 10U;
constexpr uint64_t kMostSegment = 16U << 20U;

struct SentPlace {
  uint64_t segment;
  uint64_t offset;
  uint64_t check;
  [[nodiscard]] uint64_t right_check() const noexcept { return ~(segment * 31 + offset); }
};

std::optional<SpoolChunkHead> head_at(int fd, uint64_t offset, uint64_t end) noexcept {
  std::array<char, sizeof(SpoolChunkHead)> bytes;
  if (offset + bytes.size() > end || read_at(fd, offset, bytes.data(), bytes.size()) != bytes.size())
    return {};
  auto head = read_chunk_head(bytes);
  return head && offset + head->chunk_bytes() <= end ? head : std::nullopt;
}

// From `offset` on, behind damage; `end` where there is none.
uint64_t next_head(int fd, uint64_t offset, uint64_t end) {
  std::vector<char> window(256U << 10U);
  while (offset + sizeof(SpoolChunkHead) <= end) {
    const auto len = static_cast<size_t>(std::min<uint64_t>(window.size(), end - offset));
    if (read_at(fd, offset, window.data(), len) != len) break;
    for (size_t i = 0; i + sizeof(SpoolChunkHead) <= len; ++i)
      if (window[i] == 'W' && head_at(fd, offset + i, end)) return offset + i;
    offset += len - sizeof(SpoolChunkHead) + 1;
  }
  return end;
}

}  // namespace

Spool::Spool(std::string directory, const SpoolOptions& options, std::shared_ptr<SpoolFile> lock)
    : directory_(std::move(directory)),
      options_(options),
      segment_bytes_(std::clamp(options.size / 8, kLeastSegment, kMostSegment)),
      lock_(std::move(lock)),
      sync_(options.sync_ms) {}

Spool::~Spool() = default;

Result<std::unique_ptr<Spool>> Spool::open(const std::string& directory, const SpoolOptions& options,
                                           std::shared_ptr<SpoolFile> lock) {
  std::unique_ptr<Spool> spool(new Spool(directory, options, std::move(lock)));
  if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST)
    return Error{"'" + directory + "' cannot be made: " + std::strerror(errno) +
                 "; make the directory above it, or let Weir write there"};
  const int fd = ::open((directory + "/sent").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0)
    return Error{"'" + directory + "/sent' cannot be opened: " + std::strerror(errno) +
                 "; let Weir write to the spool's directory"};
  spool->sent_ = std::make_unique<SpoolFile>(fd);
  spool->read_sent();
  if (Status found = spool->find_segments(); !found) return found.error();
  return spool;
}

std::string Spool::path_of(uint64_t begun_ns) const {
  return directory_ + "/" + segment_name(begun_ns) + std::string(kSuffix);
}

// Names sort as times do.
std::string Spool::segment_name(uint64_t begun_ns) {
  std::string number = std::to_string(begun_ns);
  number.insert(0, number.size() < 20 ? 20 - number.size() : 0, '0');
  return number;
}

void Spool::read_sent() {
  SentPlace place{};
  if (read_at(sent_->fd(), 0, reinterpret_cast<char*>(&place), sizeof place) != sizeof place) return;
  if (place.check != place.right_check()) return;
  start_segment_ = place.segment;
  start_offset_ = place.offset;
}

// One that is lost costs records that are sent twice.
void Spool::write_sent(uint64_t segment, uint64_t offset) {
  SentPlace place{.segment = segment, .offset = offset, .check = 0};
  place.check = place.right_check();
  (void)!::pwrite(sent_->fd(), &place, sizeof place, 0);
}

Status Spool::find_segments() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    Segment segment{};
    const auto [end, bad] =
        std::from_chars(name.data(), name.data() + name.size() - kSuffix.size(), segment.begun_ns);
    if (bad == std::errc() && end == name.data() + name.size() - kSuffix.size()) segments_.push_back(segment);
  }
  if (error)
    return Error{"'" + directory_ + "' cannot be read: " + error.message() +
                 "; let Weir read the spool's directory"};
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.begun_ns < b.begun_ns; });
  for (Segment& segment : segments_) {
    scan(segment);
    waiting_events_ += segment.events;
    bytes_ += segment.bytes;
    if (segment.events == 0 && segment.begun_ns != start_segment_ && segment.bytes != 0)
      spdlog::error("{}: nothing of it can be read; removed", path_of(segment.begun_ns));
    counters_.found_events.add(segment.events);
    counters_.found_units.add(segment.units);
  }
  counters_.depth_events.set(counters_.found_events.get());
  counters_.depth_units.set(counters_.found_units.get());
  remove_done();
  if (waiting_events_ != 0)
    spdlog::info("{}: {} events wait in the spool, of an earlier run", directory_, waiting_events_);
  return Ok{};
}

void Spool::scan(Segment& segment) const {
  const int fd = ::open(path_of(segment.begun_ns).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  const SpoolFile file(fd);
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
  segment.bytes = static_cast<uint64_t>(st.st_size);
  uint64_t offset = segment.begun_ns == start_segment_ ? std::min(start_offset_, segment.bytes) : 0;
  while (offset < segment.bytes) {
    const auto head = head_at(fd, offset, segment.bytes);
    if (!head) {
      offset = next_head(fd, offset + 1, segment.bytes);
      continue;
    }
    segment.events += head->records;
    segment.units += head->units;
    if (segment.first_ns == 0) segment.first_ns = head->wall_ns;
    segment.last_ns = head->wall_ns;
    offset += head->chunk_bytes();
  }
}

std::shared_ptr<SpoolFile> Spool::create(uint64_t& begun_ns, const Now& now) {
  for (int attempt = 0; attempt < 1'000; ++attempt, ++begun_ns) {
    const int fd =
        ::open(path_of(begun_ns).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0) return std::make_shared<SpoolFile>(fd);
    if (errno != EEXIST) break;
  }
  retry_at_ns_ = now.mono_ns + kRetryNs;
  fail("a segment cannot be made: " + std::string(std::strerror(errno)), now);
  return {};
}

bool Spool::put(std::span<const RecordBlock* const> blocks, const Now& now) {
  if (now.mono_ns < retry_at_ns_) return false;
  uint64_t bytes = 0;
  uint64_t events = 0;
  for (const RecordBlock* block : blocks) {
    const RecordBlock::Count count = block->rest();
    events += count.events;
    bytes += sizeof(SpoolChunkHead) + count.events * sizeof(SpoolRecord) + count.bytes;
  }
  if (events == 0) return true;
  if (!make_room(bytes)) return false;
  if (writing_ && segments_.back().bytes >= segment_bytes_) writing_.reset();
  if (!writing_) {
    Segment segment{};
    segment.begun_ns = now.wall_ns;
    if (!segments_.empty()) segment.begun_ns = std::max(segment.begun_ns, segments_.back().begun_ns + 1);
    writing_ = create(segment.begun_ns, now);
    if (!writing_) return false;
    segments_.push_back(segment);
  }
  Segment& segment = segments_.back();
  const Segment before = segment;
  for (const RecordBlock* block : blocks) {
    if (block->all_written() || write_chunk(*writing_, *block, segment, now)) continue;
    bytes_ -= segment.bytes - before.bytes;
    segment = before;
    (void)!::ftruncate(writing_->fd(), static_cast<off_t>(segment.bytes));
    remove_done();
    return false;
  }
  for (const RecordBlock* block : blocks) count_put(*block);
  waiting_events_ += events;
  sync_.wrote(writing_);
  return true;
}

bool Spool::put_front(const std::vector<Front>& blocks, const Now& now) {
  stop_reading();
  Segment segment{};
  segment.begun_ns = segments_.empty() ? now.wall_ns : segments_.front().begun_ns - 1;
  const auto file = create(segment.begun_ns, now);
  if (!file) return false;
  for (const Front& front : blocks) {
    if (front.block->all_written() || write_chunk(*file, *front.block, segment, now)) continue;
    bytes_ -= segment.bytes;
    (void)::unlink(path_of(segment.begun_ns).c_str());
    return false;
  }
  waiting_events_ += segment.events;
  segments_.push_front(segment);
  sync_.wrote(file);
  for (const Front& front : blocks) {
    if (!front.fetched) {
      count_put(*front.block);
      continue;
    }
    raise_depth(front.block->rest());
    settle(front.block->rest());
  }
  return true;
}

void Spool::count_put(const RecordBlock& block) {
  const RecordBlock::Count count = block.rest();
  counters_.put_events.add(count.events);
  counters_.put_units.add(count.units);
  raise_depth(count);
  show_oldest();
}

void Spool::raise_depth(const RecordBlock::Count& count) {
  counters_.depth_events.add(count.events);
  counters_.depth_units.add(count.units);
}

// Cut back where it cannot be written whole: what follows would be behind damage.
bool Spool::write_chunk(const SpoolFile& file, const RecordBlock& block, Segment& segment, const Now& now) {
  table_.clear();
  block.each_left([&](uint32_t end, uint32_t units) { table_.push_back({end, units}); });
  const std::string_view payload = block.bytes_left();
  SpoolChunkHead head = make_chunk_head(table_, payload, now.wall_ns);
  std::array<iovec, 3> parts = {{{&head, sizeof head},
                                 {table_.data(), head.table_bytes()},
                                 {const_cast<char*>(payload.data()), payload.size()}}};
  ssize_t n = -1;
  do n = ::pwritev(file.fd(), parts.data(), parts.size(), static_cast<off_t>(segment.bytes));
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(head.chunk_bytes())) {
    const int error = n < 0 ? errno : ENOSPC;
    (void)!::ftruncate(file.fd(), static_cast<off_t>(segment.bytes));
    retry_at_ns_ = now.mono_ns + kRetryNs;
    fail(std::string("it cannot be written: ") + std::strerror(error), now);
    return false;
  }
  segment.bytes += head.chunk_bytes();
  bytes_ += head.chunk_bytes();
  segment.events += head.records;
  segment.units += head.units;
  if (segment.first_ns == 0) segment.first_ns = now.wall_ns;
  segment.last_ns = now.wall_ns;
  counters_.bytes.set(bytes_);
  return true;
}

// The oldest that is not on its way goes.
bool Spool::make_room(uint64_t bytes) {
  if (bytes > options_.size) return false;
  while (bytes_ + bytes > options_.size) {
    size_t i = 0;
    while (i < segments_.size() && segments_[i].fetched_events != 0) ++i;
    if (i == segments_.size()) return false;
    give_up(i, Drop::spool_full);
  }
  return true;
}

Spool::Segment* Spool::first_to_read() {
  for (Segment& segment : segments_)
    if (segment.events != 0) return &segment;
  return nullptr;
}

bool Spool::fetch(RecordBlock& block, const Now& now) {
  while (waiting_events_ != 0) {
    if (next_record_ == body_.table.size() && !load_chunk(now)) continue;
    Segment& segment = *first_to_read();
    RecordBlock::Count count;
    for (; next_record_ < body_.table.size(); ++next_record_) {
      const uint32_t from = next_record_ == 0 ? 0 : body_.table[next_record_ - 1].end;
      const SpoolRecord& record = body_.table[next_record_];
      if (!block.add(body_.payload.substr(from, record.end - from), record.units, now.mono_ns)) break;
      ++count.events;
      count.units += record.units;
    }
    if (count.events == 0 && block.size() == 0) {
      // It was written with room for longer records than there is now.
      const uint64_t units = body_.table[next_record_++].units;
      count_gone(segment, 1, units, Drop::spool_damaged);
      continue;
    }
    segment.events -= count.events;
    segment.units -= count.units;
    segment.fetched_events += count.events;
    waiting_events_ -= count.events;
    fetched_.push_back({.segment = segment.begun_ns,
                        .chunk_end = read_offset_,
                        .events = count.events,
                        .whole = next_record_ == body_.table.size()});
    return true;
  }
  return false;
}

// false: the place to read from has changed; the caller looks again.
bool Spool::load_chunk(const Now& now) {
  Segment* segment = first_to_read();
  if (segment == nullptr) {
    waiting_events_ = 0;
    return false;
  }
  if (!reading_ || reading_segment_ != segment->begun_ns) {
    stop_reading();
    const int fd = ::open(path_of(segment->begun_ns).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
      fail("a segment cannot be read: " + std::string(std::strerror(errno)), now);
      count_gone(*segment, segment->events, segment->units, Drop::spool_damaged);
      remove_done();
      return false;
    }
    reading_ = std::make_unique<SpoolFile>(fd);
    reading_segment_ = segment->begun_ns;
    read_offset_ = segment->begun_ns == start_segment_ ? start_offset_ : 0;
  }
  const auto head = head_at(reading_->fd(), read_offset_, segment->bytes);
  if (!head) {
    fail("a segment is damaged", now);
    read_offset_ = next_head(reading_->fd(), read_offset_ + 1, segment->bytes);
    if (read_offset_ < segment->bytes) return false;
    count_gone(*segment, segment->events, segment->units, Drop::spool_damaged);
    remove_done();
    return false;
  }
  read_offset_ += head->chunk_bytes();
  const bool old = options_.max_age_ms != 0 && head->wall_ns + options_.max_age_ms * kNsPerMs < now.wall_ns;
  if (!old && load_body(*segment, *head)) return true;
  if (!old) fail("a segment is damaged", now);
  count_gone(*segment, std::min<uint64_t>(head->records, segment->events),
             std::min(head->units, segment->units), old ? Drop::spool_too_old : Drop::spool_damaged);
  remove_done();
  return false;
}

bool Spool::load_body(Segment& segment, const SpoolChunkHead& head) {
  chunk_.resize(head.body_bytes());
  if (read_at(reading_->fd(), read_offset_ - head.body_bytes(), chunk_.data(), chunk_.size()) !=
      chunk_.size())
    return false;
  auto body = read_chunk_body(head, chunk_);
  if (!body || body->table.size() > segment.events) return false;
  body_ = std::move(*body);
  next_record_ = 0;
  return true;
}

void Spool::stop_reading() {
  reading_.reset();
  body_ = {};
  next_record_ = 0;
}

void Spool::count_gone(Segment& segment, uint64_t events, uint64_t units, Drop reason) {
  segment.events -= events;
  segment.units -= units;
  waiting_events_ -= events;
  counters_.drops.add(reason, units);
  lower_depth(events, units);
}

void Spool::give_up(size_t index, Drop reason) {
  Segment& segment = segments_[index];
  if (reading_ && reading_segment_ == segment.begun_ns) stop_reading();
  count_gone(segment, segment.events, segment.units, reason);
  remove(index);
}

void Spool::done(const RecordBlock::Count& count) {
  counters_.done_events.add(count.events);
  counters_.done_units.add(count.units);
  settle(count);
}

void Spool::drop(const RecordBlock::Count& count, Drop reason) {
  counters_.drops.add(reason, count.units);
  settle(count);
}

void Spool::settle(const RecordBlock::Count& count) {
  lower_depth(count.events, count.units);
  uint64_t left = count.events;
  while (left != 0 && !fetched_.empty()) {
    Fetched& first = fetched_.front();
    const uint64_t here = std::min(left, first.events);
    left -= here;
    first.events -= here;
    for (Segment& segment : segments_)
      if (segment.begun_ns == first.segment) segment.fetched_events -= here;
    if (first.events != 0) break;
    if (first.whole) write_sent(first.segment, first.chunk_end);
    fetched_.pop_front();
  }
  if (count.events != 0) remove_done();
}

void Spool::remove_done() {
  for (size_t i = segments_.size(); i-- != 0;) {
    const Segment& segment = segments_[i];
    if (segment.events == 0 && segment.fetched_events == 0) remove(i);
  }
  show_oldest();
}

void Spool::remove(size_t index) {
  const Segment& segment = segments_[index];
  if (reading_segment_ == segment.begun_ns) stop_reading();
  if (index + 1 == segments_.size()) writing_.reset();
  (void)::unlink(path_of(segment.begun_ns).c_str());
  bytes_ -= segment.bytes;
  counters_.bytes.set(bytes_);
  segments_.erase(segments_.begin() + static_cast<ptrdiff_t>(index));
}

void Spool::poll(const Now& now) {
  if (now.mono_ns < look_at_ns_) return;
  look_at_ns_ = now.mono_ns + kNsPerSec;
  if (options_.max_age_ms == 0) return;
  for (size_t i = segments_.size(); i-- != 0;) {
    const Segment& segment = segments_[i];
    if (segment.fetched_events == 0 && segment.last_ns + options_.max_age_ms * kNsPerMs < now.wall_ns)
      give_up(i, Drop::spool_too_old);
  }
  show_oldest();
}

void Spool::lower_depth(uint64_t events, uint64_t units) {
  counters_.depth_events.set(counters_.depth_events.get() - events);
  counters_.depth_units.set(counters_.depth_units.get() - units);
}

void Spool::show_oldest() {
  counters_.oldest_wall_ns.set(segments_.empty() ? 0 : segments_.front().first_ns);
  counters_.bytes.set(bytes_);
}

void Spool::fail(const std::string& what, const Now& now) {
  counters_.faults.add(1);
  if (log_.due(now.mono_ns)) spdlog::error("spool {}: {}", directory_, what);
}

void Spool::describe(MetricVisitor& visitor, const Labels& labels, uint64_t wall_ns) const {
  const auto counter = [&](std::string_view name, std::string_view help, const Counter& value) {
    visitor.counter(name, help, labels, static_cast<double>(value.get()));
  };
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    visitor.gauge(name, help, labels, value);
  };
  counter("weir_spool_found_units_total", "Units that were in the spool when Weir started.",
          counters_.found_units);
  counter("weir_spool_put_units_total",
          "Units written to the spool. Growing: the destination is away or slow.", counters_.put_units);
  counter("weir_spool_sent_units_total", "Units of the spool that the destination has taken.",
          counters_.done_units);
  gauge("weir_spool_units",
        "Units in the spool. Staying high: the destination is away, or too slow to catch up.",
        static_cast<double>(counters_.depth_units.get()));
  gauge("weir_spool_bytes", "Bytes that the spool takes on disk; limited by spool_size.",
        static_cast<double>(counters_.bytes.get()));
  const uint64_t oldest = counters_.oldest_wall_ns.get();
  gauge("weir_spool_oldest_seconds", "Age of the oldest record in the spool; 0: it is empty.",
        oldest == 0 || wall_ns < oldest ? 0 : static_cast<double>(wall_ns - oldest) * 1e-9);
  counter("weir_spool_faults_total",
          "Writes and reads of the spool that failed: a full or damaged disk; the log has the reason.",
          counters_.faults);
  counters_.drops.describe(visitor, StageKind::spool, labels);
}

}  // namespace weir
