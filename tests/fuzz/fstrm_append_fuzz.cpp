// A file that is to be appended to, of any bytes: it is refused and stays as it is; or what was in it up to
// its last whole frame stays, and with a frame and STOP behind it is read by our own reader, and by libfstrm
// as far as it goes. A file that was appended to is taken as it is the next time. Input: the file.
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/frame_streams.h"
#include "exporters/files/file_framing.h"
#include "tests/exporters/fstrm_reader.h"
#include "tests/fuzz/memory_file.h"

namespace {

using weir::check;
using weir::MemoryFile;

using weir::FrameStreams;

// nullopt: the bytes are not what a reader of ours takes to the end.
std::optional<std::vector<std::string>> frames_of(std::string_view bytes) {
  FrameStreams streams(1U << 20U);
  std::vector<std::string> frames;
  std::span<const uint8_t> rest(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  for (;;) {
    switch (streams.next(rest)) {
      case FrameStreams::Step::more:
        return streams.ended() && rest.empty() ? std::optional(frames) : std::nullopt;
      case FrameStreams::Step::frame:
        frames.emplace_back(streams.frame().begin(), streams.frame().end());
        break;
      case FrameStreams::Step::start:
      case FrameStreams::Step::end:
        break;
      case FrameStreams::Step::too_long:
      case FrameStreams::Step::reply:
      case FrameStreams::Step::odd:
      case FrameStreams::Step::fault:
        return std::nullopt;
    }
  }
}

void append(weir::FileFraming& framing, const MemoryFile& file, std::string_view frame) {
  const std::string before = file.bytes();
  const weir::Result<bool> resumed = framing.resume(file.fd(), file.path());
  check(static_cast<bool>(resumed));
  const std::string kept = file.bytes();
  check(before.starts_with(kept) && (*resumed || kept.empty()));
  if (!*resumed) file.append(framing.opening());
  file.append(frame);
  file.append(framing.closing());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  static const MemoryFile file;
  if (!quiet || size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  weir::FileFraming& framing = weir::frame_streams_framing();
  file.put(input);
  if (!framing.resume(file.fd(), file.path())) {
    check(file.bytes() == input);
    check(!frames_of(input));
    return 0;
  }
  file.put(input);
  append(framing, file, std::string_view("\0\0\0\3one", 7));
  const std::string once = file.bytes();
  const auto frames = frames_of(once);
  check(frames && !frames->empty() && frames->back() == "one");
  if (const auto whole = frames_of(input)) check(frames->size() == whole->size() + 1);

  append(framing, file, std::string_view("\0\0\0\3two", 7));
  check(file.bytes() == once.substr(0, once.size() - framing.closing().size()) +
                            std::string("\0\0\0\3two", 7) + std::string(framing.closing()));

  // libfstrm ends at the first STOP or START in the middle, and has a lower limit for frames.
  weir::FstrmReader libfstrm(file.path());
  const std::vector<std::string> theirs = libfstrm.all();
  const auto ours = frames_of(file.bytes());
  check(ours && theirs.size() <= ours->size());
  check(std::equal(theirs.begin(), theirs.end(), ours->begin()));
  return 0;
}
