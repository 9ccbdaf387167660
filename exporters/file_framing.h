// FileFraming: what a file has to know about the records that are written to it: lines of text, or Frame
// Streams, which begin with START and end with STOP. Used by RecordFile, behind its lock.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace weir {

struct FileFraming {
  // Where the record that holds byte `sent` starts. `records` begin with a record.
  size_t (*record_start)(std::string_view records, size_t sent) noexcept;
  // A regular file with content is to be appended to through `fd`: takes back or ends what a killed writer
  // left cut, and what ends the records before. true: no opening is needed, records go on where they ended.
  Result<bool> (*resume)(int fd, const std::string& path);
  std::string_view opening;  // before the first record
  std::string_view closing;  // behind the last
};

const FileFraming& line_framing();
const FileFraming& frame_streams_framing();

}  // namespace weir
