// Spool: a bounded queue of records on disk, in front of a destination that may be away. Records go in at the
// end and are fetched from the front; what was fetched stays on disk until done() says that it is where it is
// to go, so that a restart fetches it again. A directory of segments (spool_chunk.h), whose names are the
// time when they were begun, and of a file `sent` that says how far the oldest is done.
//
// Owner: the export lcore of its output, but for counters() and the control thread at start and end. Balance,
// in units: found + put = done + drops + depth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/counter.h"
#include "core/drop.h"
#include "core/result.h"
#include "core/stage.h"
#include "exporters/output_options.h"
#include "exporters/record_block.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/spool/spool_chunk.h"
#include "exporters/spool/spool_sync.h"

namespace weir {

struct SpoolCounters {
  Counter found_events;  // at the start, of an earlier run
  Counter found_units;
  Counter put_events;
  Counter put_units;
  Counter done_events;
  Counter done_units;
  Counter depth_events;    // a level
  Counter depth_units;     // a level
  Counter bytes;           // a level: on disk
  Counter oldest_wall_ns;  // a level: when the oldest was put; 0: there is none
  Counter faults;          // writes and reads that failed
  DropCounters drops;
};

class Spool {
 public:
  // directory: of this spool alone; made if need be. An Error says what to do.
  // lock: kept for as long as the spool is.
  static Result<std::unique_ptr<Spool>> open(const std::string& directory, const SpoolOptions& options,
                                             std::shared_ptr<SpoolFile> lock = {});
  static constexpr std::string_view kSuffix = ".spool";
  // Of a segment that was begun at this time: its file's name without kSuffix.
  static std::string segment_name(uint64_t begun_ns);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The records of the blocks that are not written, all or none; the blocks stay as they are. false: the disk
  // does not take them now, or all that could make room is being sent.
  [[nodiscard]] bool put(std::span<const RecordBlock* const> blocks, const Now& now);
  struct Front {
    const RecordBlock* block;
    bool fetched;  // its records are from the spool, and are moved within it
  };
  // The same before everything else that is in the spool, at the end of a run: all that was fetched and is
  // not done has to be among them, or goes to the destination out of order. Nothing can be fetched from then
  // on.
  [[nodiscard]] bool put_front(const std::vector<Front>& blocks, const Now& now);
  // Something can be fetched.
  [[nodiscard]] bool has_more() const noexcept { return waiting_events_ != 0; }
  // The next records, as many as fit, into an empty block. false: nothing now.
  [[nodiscard]] bool fetch(RecordBlock& block, const Now& now);
  // The oldest of what was fetched is done: written, or, with a reason, dropped.
  void done(const RecordBlock::Count& count);
  void drop(const RecordBlock::Count& count, Drop reason);
  // Every loop, seldom does something: gives up what is too old.
  void poll(const Now& now);

  [[nodiscard]] const SpoolCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] Balance balance() const noexcept {
    return {.in = counters_.found_units.get() + counters_.put_units.get(),
            .out = counters_.done_units.get(),
            .drops = counters_.drops.total(StageKind::spool),
            .in_flight = counters_.depth_units.get()};
  }
  void describe(MetricVisitor& visitor, const Labels& labels, uint64_t wall_ns) const;  // any thread

 private:
  struct Segment {
    uint64_t begun_ns;            // its name
    uint64_t bytes = 0;           // of whole chunks
    uint64_t events = 0;          // not fetched and not dropped
    uint64_t units = 0;           // of these
    uint64_t fetched_events = 0;  // and not done
    uint64_t first_ns = 0;        // when its first and its last chunk were put
    uint64_t last_ns = 0;
  };
  // What was fetched of one chunk.
  struct Fetched {
    uint64_t segment;  // begun_ns
    uint64_t chunk_end;
    uint64_t events;  // that are not done
    bool whole;       // nothing of the chunk is left to fetch
  };

  Spool(std::string directory, const SpoolOptions& options, std::shared_ptr<SpoolFile> lock);
  Status find_segments();
  void read_sent();
  void write_sent(uint64_t segment, uint64_t offset);
  void scan(Segment& segment) const;
  [[nodiscard]] std::string path_of(uint64_t begun_ns) const;
  std::shared_ptr<SpoolFile> create(uint64_t& begun_ns, const Now& now);
  bool write_chunk(const SpoolFile& file, const RecordBlock& block, Segment& segment, const Now& now);
  void count_put(const RecordBlock& block);
  void raise_depth(const RecordBlock::Count& count);
  bool make_room(uint64_t bytes);
  [[nodiscard]] Segment* first_to_read();
  bool load_chunk(const Now& now);
  bool load_body(Segment& segment, const SpoolChunkHead& head);
  void stop_reading();
  void count_gone(Segment& segment, uint64_t events, uint64_t units, Drop reason);
  void give_up(size_t index, Drop reason);
  void settle(const RecordBlock::Count& count);
  void remove_done();
  void remove(size_t index);
  void lower_depth(uint64_t events, uint64_t units);
  void show_oldest();
  void fail(const std::string& what, const Now& now);

  const std::string directory_;
  const SpoolOptions options_;
  const uint64_t segment_bytes_;
  std::deque<Segment> segments_;
  std::deque<Fetched> fetched_;
  uint64_t waiting_events_ = 0;  // not fetched
  uint64_t bytes_ = 0;

  std::shared_ptr<SpoolFile> writing_;  // the last segment
  // Of the segment that is read, which is the first that has something to fetch.
  std::unique_ptr<SpoolFile> reading_;
  uint64_t reading_segment_ = 0;  // begun_ns
  uint64_t read_offset_ = 0;
  std::vector<char> chunk_;
  SpoolChunkBody body_;
  size_t next_record_ = 0;
  uint64_t start_segment_ = 0;  // as `sent` says
  uint64_t start_offset_ = 0;

  std::unique_ptr<SpoolFile> sent_;
  std::shared_ptr<SpoolFile> lock_;
  std::vector<SpoolRecord> table_;
  uint64_t retry_at_ns_ = 0;
  uint64_t look_at_ns_ = 0;
  FaultLog log_;
  SpoolCounters counters_;
  SpoolSync sync_;
};

}  // namespace weir
