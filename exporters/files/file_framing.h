// FileFraming: what a file has to know about the records that are written to it: lines of text, Frame
// Streams, which begin with START and end with STOP, or a capture file's, which begins with a header. Used by
// RecordFile, behind its lock.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace weir {

class FileFraming {
 public:
  virtual ~FileFraming() = default;
  // Where the record that holds byte `sent` starts. `records` begin with a record.
  [[nodiscard]] virtual size_t record_start(std::string_view records, size_t sent) const noexcept = 0;
  // A regular file with content is to be appended to through `fd`: takes back or ends what a killed writer
  // left cut, and what ends the records before. true: no opening is needed, records go on where they ended.
  virtual Result<bool> resume(int fd, const std::string& path) = 0;
  // Before the first record. It may grow at its end: what is new goes before the records that follow.
  [[nodiscard]] virtual std::string_view opening() const { return {}; }
  // Behind the last.
  [[nodiscard]] virtual std::string_view closing() const { return {}; }
};

FileFraming& line_framing();
FileFraming& frame_streams_framing();

}  // namespace weir
