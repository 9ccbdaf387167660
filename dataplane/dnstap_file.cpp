#include "dataplane/dnstap_file.h"

#include <algorithm>
#include <utility>

#include "core/net/frame_streams.h"
#include "dataplane/dnstap_intake.h"

namespace weir {
namespace {

// A poll's work: what follows on the street then still finds it in the cache.
constexpr size_t kBurstBytes = 64U << 10U;

class DnstapFile : public FileReader {
 public:
  DnstapFile(std::string file, const FileOptions& options, uint16_t input)
      : file_(std::move(file)), streams_(options.frame_limit), intake_(input, {.pair = options.pair}) {}

  Poll read(ByteSource& source, const Now& now, FrameWriter& writer, InputCounters& counters) override {
    const uint64_t begin = source.consumed();
    while (source.consumed() - begin < kBurstBytes) {
      const Parsed parsed = parse(source, now, writer, counters);
      no_room_ = parsed == Parsed::no_room;
      if (no_room_) return source.consumed() != begin ? Poll::busy : Poll::idle;
      if (parsed == Parsed::burst) break;
      if (parsed == Parsed::fault) {
        fault_ = file_ + " is damaged at byte " + std::to_string(source.consumed()) + ": " +
                 std::string(describe(streams_.fault()));
        return Poll::done;
      }
      switch (source.fill(streams_.need())) {
        case ByteSource::Fill::more:
          break;
        case ByteSource::Fill::wait:
          return source.consumed() != begin ? Poll::busy : Poll::idle;
        case ByteSource::Fill::end:
          end(source, counters);
          return Poll::done;
      }
    }
    return Poll::busy;
  }

  [[nodiscard]] bool waits_for_room() const noexcept override { return no_room_; }
  [[nodiscard]] std::string fault() const override { return fault_; }

 private:
  // burst: enough for one poll, though the window has more.
  enum class Parsed : uint8_t { all, burst, no_room, fault };

  Parsed parse(ByteSource& source, const Now& now, FrameWriter& writer, InputCounters& counters) noexcept {
    const std::span<const uint8_t> window = source.window();
    std::span<const uint8_t> rest = window;
    Parsed parsed = Parsed::burst;
    while (window.size() - rest.size() < kBurstBytes) {
      const std::span<const uint8_t> at = rest;
      const FrameStreams::Step step = streams_.next(rest);
      if (step == FrameStreams::Step::frame) [[likely]] {
        if (intake_.take(streams_.frame(), {}, now, writer, counters)) continue;
        rest = at;
        parsed = Parsed::no_room;
        break;
      }
      if (step == FrameStreams::Step::more) {
        parsed = Parsed::all;
        break;
      }
      if (step == FrameStreams::Step::fault) {
        rest = at;
        parsed = Parsed::fault;
        break;
      }
      if (step == FrameStreams::Step::too_long) {
        counters.units.add(1);
        counters.drops.add(Drop::frame_too_long, 1);
      }
      begun_ = begun_ || step == FrameStreams::Step::start;
    }
    source.consume(window.size() - rest.size());
    return parsed;
  }

  // What is left is less than a frame. A missing STOP is normal: the writer may have been killed, or still be
  // writing (libfstrm's reader takes it so, too).
  void end(ByteSource& source, InputCounters& counters) {
    if (streams_.cut_in_frame(source.window())) {
      counters.units.add(1);
      counters.drops.add(Drop::frame_cut, 1);
    }
    if (!begun_) fault_ = file_ + " ends before its START control frame is whole: it holds no data";
    source.consume(source.window().size());
  }

  std::string file_;
  FrameStreams streams_;
  DnstapIntake intake_;
  bool no_room_ = false;
  bool begun_ = false;
  std::string fault_;
};

}  // namespace

std::unique_ptr<FileReader> make_dnstap_reader(std::span<const uint8_t> first, std::string file,
                                               const FileOptions& options, uint16_t input) {
  // A control frame begins with a length of zero.
  if (first.size() < 4 || std::any_of(first.begin(), first.begin() + 4, [](uint8_t b) { return b != 0; }))
    return nullptr;
  return std::make_unique<DnstapFile>(std::move(file), options, input);
}

}  // namespace weir
