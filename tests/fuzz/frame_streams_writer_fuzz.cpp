// The writing side of Frame Streams. First any bytes as a reader's answers, in any pieces: the same outcome
// as in one piece. Then a session with frames and answers out of the input, where what the writer sends is
// read back by our own reader, and by libfstrm's as a file. Input: read from the front; what is left is
// frames.
#include <fcntl.h>
#include <fstrm.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/net/frame_streams.h"
#include "core/net/frame_streams_writer.h"
#include "tests/exporters/fstrm_reader.h"
#include "tests/fuzz/check.h"

namespace {

using weir::FrameStreams;
using weir::FrameStreamsWriter;
using Bytes = std::span<const uint8_t>;
using State = FrameStreamsWriter::State;

using weir::check;

// A copy of exactly these bytes, so that a read past them is seen.
State take(FrameStreamsWriter& writer, Bytes bytes) {
  const auto copy = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return writer.take({copy.get(), bytes.size()});
}

void takes_any_pieces(Bytes answers, bool stop_early) {
  FrameStreamsWriter whole;
  FrameStreamsWriter pieces;
  const size_t half = answers.size() / 2;
  take(whole, answers.first(half));
  for (size_t at = 0; at < half; ++at) take(pieces, answers.subspan(at, 1));
  check(whole.state() == pieces.state());
  if (stop_early) {
    whole.begin_stop();
    pieces.begin_stop();
  }
  const State before = whole.state();
  take(whole, answers.subspan(half));
  for (size_t at = half; at < answers.size();) {
    const size_t n = std::min<size_t>(answers.size() - at, 1 + answers[at] % 13U);
    take(pieces, answers.subspan(at, n));
    at += n;
  }
  check(whole.state() == pieces.state() && whole.fault() == pieces.fault());
  check((whole.state() == State::failed) == !whole.fault().empty());
  if (before == State::failed) check(whole.state() == State::failed);
  if (whole.state() == State::finished) check(before == State::stopping || before == State::finished);
}

std::string frame(Bytes payload) {
  const auto len = static_cast<uint32_t>(payload.size());
  std::string bytes;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes.push_back(static_cast<char>(len >> shift));
  return bytes.append(payload.begin(), payload.end());
}

// What the reader under the writer says to what it was sent.
class OurReader {
 public:
  explicit OurReader(FrameStreamsWriter& writer) : writer_(writer) {}

  void hear(std::string_view said) {
    held_.insert(held_.end(), said.begin(), said.end());
    Bytes rest(held_);
    for (;;) {
      const FrameStreams::Step step = streams_.next(rest);
      if (step == FrameStreams::Step::more) break;
      check(step != FrameStreams::Step::fault && step != FrameStreams::Step::odd);
      if (step == FrameStreams::Step::frame)
        frames_.emplace_back(streams_.frame().begin(), streams_.frame().end());
      if (step == FrameStreams::Step::reply || step == FrameStreams::Step::end)
        take(writer_, streams_.reply());
    }
    held_.assign(rest.begin(), rest.end());
  }
  [[nodiscard]] const std::vector<std::string>& frames() const { return frames_; }
  [[nodiscard]] bool ended() const { return streams_.ended() && held_.empty(); }

 private:
  FrameStreamsWriter& writer_;
  FrameStreams streams_{1U << 20U};
  std::vector<uint8_t> held_;
  std::vector<std::string> frames_;
};

void is_read_back(Bytes input) {
  FrameStreamsWriter writer;
  OurReader reader(writer);
  reader.hear(FrameStreamsWriter::opening());
  check(writer.state() == State::running);
  std::string sent(FrameStreamsWriter::start());
  std::vector<std::string> frames;
  while (input.size() > 1) {
    const size_t len = std::min<size_t>(input.size() - 1, 1 + input[0] * (input[0] % 7U));
    frames.emplace_back(input.begin() + 1, input.begin() + 1 + static_cast<ptrdiff_t>(len));
    sent += frame(input.subspan(1, len));
    input = input.subspan(1 + len);
  }
  for (size_t at = 0; at < sent.size(); at += 999) reader.hear(std::string_view(sent).substr(at, 999));
  check(writer.state() == State::running);
  writer.begin_stop();
  reader.hear(FrameStreamsWriter::stop());
  check(writer.state() == State::finished && reader.ended() && reader.frames() == frames);

  sent += FrameStreamsWriter::stop();
  static const int fd = memfd_create("frame_streams_writer_fuzz", MFD_CLOEXEC);
  check(ftruncate(fd, 0) == 0);
  check(pwrite(fd, sent.data(), sent.size(), 0) == static_cast<ssize_t>(sent.size()));
  weir::FstrmReader libfstrm("/proc/self/fd/" + std::to_string(fd));
  check(libfstrm.all() == frames && libfstrm.stopped());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input(data, size);
  takes_any_pieces(input, size % 2 != 0);
  is_read_back(input);
  return 0;
}
