// FileSink: an export lcore's way into a file, a FIFO or standard output. All lcores of an output share one
// RecordFile, so that their records never mix.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "core/addr.h"
#include "core/result.h"
#include "exporters/files/file_framing.h"
#include "exporters/files/file_rotation.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/sinks/sink.h"

namespace weir {

class FileSink;

// One open file, behind a lock that is taken once a block. While a writer's last record is only partly
// written (disk full, pipe full) nobody else may write.
class RecordFile {
 public:
  // target: file or stdio. A file is created with mode 0640 and appended to. framing outlives the file.
  // rotation: of a regular file.
  static Result<std::shared_ptr<RecordFile>> open(const Target& target, FileFraming& framing = line_framing(),
                                                  const FileRotation& rotation = {});
  // Writes the framing's closing.
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  size_t write(FileSink* writer, std::string_view records, size_t sent, const Now& now);
  void poll(const Now& now);
  // The writer leaves a part of a record behind: a regular file is cut back to the record's start.
  void abandon(const FileSink* writer);
  void request_reopen() noexcept { reopen_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool up() const noexcept { return up_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t faults() const noexcept { return faults_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string ended();
  void describe(MetricVisitor& visitor, const Labels& labels) const;  // any thread

 private:
  enum class Kind : uint8_t { regular, pipe, socket, other };

  struct Opened {
    int fd;
    bool resumed;  // records go on where they ended: no opening
  };

  RecordFile(std::string pattern, std::string path, FileFraming& framing, const FileRotation& rotation,
             Opened opened);
  static Result<int> open_path(const std::string& path);
  static Result<Opened> ready_to_append(int fd, const std::string& path, FileFraming& framing);
  [[nodiscard]] bool is_stdout() const noexcept { return pattern_.empty(); }
  [[nodiscard]] ssize_t write_some(const char* from, size_t len) const;
  bool write_opening(const Now& now);
  size_t write_all(std::string_view records, size_t sent, const Now& now);
  void use(Opened opened);
  void close_file();
  [[nodiscard]] bool is_current(const struct stat& file) const;
  void cut_back();
  void forget_part();
  void reopen(const Now& now);
  void note_written(size_t bytes, const Now& now);
  void rotate_if_due(const Now& now);
  void rotate(const Now& now);
  void move_rotated(const Now& now);
  void renew_name(const Now& now);
  void fail(int error, const Now& now);

  const std::string pattern_;  // as configured, empty: standard output
  std::string path_;           // what name_at() last made of it
  FileFraming& framing_;
  const FileRotation rotation_;
  std::mutex mutex_;
  int fd_ = -1;  // a FIFO without reader has none
  Kind kind_ = Kind::other;
  bool waits_ = false;            // a write to fd_ may wait
  size_t opened_ = 0;             // bytes of the framing's opening that are in the file
  FileSink* holder_ = nullptr;    // wrote a part of its last record
  size_t part_bytes_ = 0;         // of that part
  uint64_t retry_at_ns_ = 0;      // a write
  uint64_t reopen_at_ns_ = 0;     // of the path, which failed before
  uint64_t bytes_ = 0;            // of records, in a regular file
  uint64_t rotate_after_ns_ = 0;  // not before: it failed
  std::atomic<uint64_t> rotates_at_ns_{std::numeric_limits<uint64_t>::max()};  // by the wall clock
  std::atomic<uint64_t> rotations_{0};
  FaultLog log_;
  std::string ended_;
  std::atomic<bool> reopen_{false};
  std::atomic<bool> up_{true};
  std::atomic<uint64_t> faults_{0};
};

class FileSink : public Sink {
 public:
  // shows: this one of those that share the file shows its metrics.
  explicit FileSink(std::shared_ptr<RecordFile> file, bool shows = true)
      : file_(std::move(file)), shows_(shows) {}

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override {
    const size_t taken = file_->write(this, records, sent, now);
    if (taken < records.size() && ended_.empty()) ended_ = file_->ended();
    return taken;
  }
  bool poll(const Now& now) override {
    file_->poll(now);
    return false;
  }
  void abandon(std::string_view /*records*/, size_t /*sent*/) override { file_->abandon(this); }
  void request_reopen() override { file_->request_reopen(); }
  [[nodiscard]] bool up() const noexcept override { return file_->up(); }
  [[nodiscard]] uint64_t faults() const noexcept override { return file_->faults(); }
  [[nodiscard]] const std::string& ended() const noexcept override { return ended_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override {
    if (shows_) file_->describe(visitor, labels);
  }

 private:
  friend class RecordFile;

  std::shared_ptr<RecordFile> file_;
  const bool shows_;
  std::string ended_;
  bool rewind_ =
      false;  // under the file's lock: the part of a record was taken back, or lies in another file
};

}  // namespace weir
