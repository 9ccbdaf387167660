// CompressingSink: makes one zstd frame or gzip member of each block of records and writes that to a file.
// Owner: the thread of an OffloadedSink, since compressing takes long; each export lcore has one, and they
// share the file, which is only locked for the write.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "exporters/files/compression.h"
#include "exporters/files/file_sink.h"

namespace weir {

class CompressingSink : public Sink {
 public:
  // The file's framing is a CompressedFraming.
  CompressingSink(const Compression& compression, FileSink file)
      : compressor_(make_compressor(compression)), file_(std::move(file)) {}

  // All of a block, or nothing of it.
  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  bool poll(const Now& now) override { return file_.poll(now); }
  void abandon(std::string_view records, size_t sent) override;
  void request_reopen() override { file_.request_reopen(); }
  [[nodiscard]] bool up() const noexcept override { return file_.up(); }
  [[nodiscard]] uint64_t faults() const noexcept override { return file_.faults(); }
  [[nodiscard]] const std::string& ended() const noexcept override {
    return ended_.empty() ? file_.ended() : ended_;
  }
  void describe(MetricVisitor& visitor, const Labels& labels) const override;

 private:
  bool compress(std::string_view records);

  std::unique_ptr<Compressor> compressor_;
  FileSink file_;
  std::string compressed_;  // of the block that is being written; empty: of none
  size_t written_ = 0;      // of these
  std::string ended_;
  std::atomic<uint64_t> compressed_bytes_{0};
  std::atomic<uint64_t> compress_ns_{0};  // CPU time
};

}  // namespace weir
