// OpenFile: one file from its first bytes to its end: makes the reader that knows it, and reads. Used by the
// inputs that read files. Owner: the ingest lcore of the input.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "core/stage.h"
#include "dataplane/byte_source.h"
#include "dataplane/file_reader.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

class OpenFile {
 public:
  // options outlive it; input: index in the configuration.
  OpenFile(std::unique_ptr<ByteSource> source, const FileOptions& options, uint16_t input)
      : source_(std::move(source)), options_(&options), input_(input) {}

  // Regular files: whether it can be read and is of a known kind.
  [[nodiscard]] Status look();
  // As FileReader::read(), with bytes and backpressure counted.
  Poll read(const Now& now, FrameWriter& writer, InputCounters& counters);
  // No more is to be read: as FileReader::finish() and abandon().
  [[nodiscard]] bool finish(const Now& now, FrameWriter& writer, InputCounters& counters);
  void abandon(InputCounters& counters);
  // After done: a sentence that names the file when it could not be read to its end or is damaged, else
  // empty.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  [[nodiscard]] const std::string& name() const noexcept { return source_->name(); }
  // Bytes of the file on disk that were read.
  [[nodiscard]] uint64_t position() const noexcept { return source_->position(); }

 private:
  ByteSource::Fill fill_first();
  Result<std::unique_ptr<FileReader>> make_reader() const;
  Poll end(std::string fault);

  std::unique_ptr<ByteSource> source_;
  const FileOptions* options_;
  uint16_t input_;
  std::unique_ptr<FileReader> reader_;
  std::string fault_;
  bool at_end_ = false;  // of what is read; what waits is being written
  uint64_t waiting_since_ns_ = 0;
};

}  // namespace weir
