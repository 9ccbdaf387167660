// FileReader: what understands one kind of file (Frame Streams, pcap, pcapng). OpenFile looks at the
// first bytes, makes the reader and calls it with the bytes. Owner: the ingest lcore.
#pragma once

#include <string>

#include "core/stage.h"
#include "dataplane/byte_source.h"
#include "dataplane/frame_writer.h"
#include "dataplane/input.h"

namespace weir {

class FileReader {
 public:
  virtual ~FileReader() = default;
  // Works through about 256 KiB of source, which it fills and consumes. busy: call again; idle: the source
  // waits, or a ring has no room (then nothing is lost: files always wait); done: the end, or a fault.
  // What was counted and is neither written nor dropped is in held_units(). `counters.bytes` and
  // `backpressure_ns` are kept by the caller; why a call was idle is told by waits_for_room().
  virtual Poll read(ByteSource& source, const Now& now, FrameWriter& writer, InputCounters& counters) = 0;
  // Nothing more is read: what waits for the file's rest is written as far as it can be read, or counted.
  // false: no room, call again.
  [[nodiscard]] virtual bool finish(const Now& /*now*/, FrameWriter& /*writer*/,
                                    InputCounters& /*counters*/) {
    return true;
  }
  // The drain time is over: what waits is counted.
  virtual void abandon(InputCounters& /*counters*/) {}
  // Units that were counted and are neither written nor dropped.
  [[nodiscard]] virtual uint64_t held_units() const noexcept { return 0; }
  // The last read() or finish() waits because a ring had no room.
  [[nodiscard]] virtual bool waits_for_room() const noexcept = 0;
  // After done: a sentence that names the file when it ended because it is damaged, else empty. (That the
  // source could not be read is told by source.fault().)
  [[nodiscard]] virtual std::string fault() const = 0;
};

}  // namespace weir
