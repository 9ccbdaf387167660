// The control frames around a Frame Streams data stream, as a sender makes them, by libfstrm's functions:
// READY, ACCEPT, START … STOP, FINISH on sockets; START … STOP in files and on one-way sockets.
#pragma once

#include "core/result.h"
#include "src/generate/byte_sink.h"

namespace weir {

// Before the first data frame. two_way: READY first, then waits for ACCEPT of dnstap's content type.
[[nodiscard]] Status open_frame_stream(ByteSink& sink, bool two_way);
// Behind the last. two_way: waits for FINISH.
[[nodiscard]] Status close_frame_stream(ByteSink& sink, bool two_way);

}  // namespace weir
