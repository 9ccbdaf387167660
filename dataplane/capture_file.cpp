#include "dataplane/capture_file.h"

#include <utility>

#include "dataplane/capture/capture_parser.h"
#include "dataplane/packet_intake.h"

namespace weir {
namespace {

using Kind = CaptureStep::Kind;

// A poll's work: what follows on the street then still finds it in the cache.
constexpr size_t kBurstBytes = 64U << 10U;

class CaptureReader : public FileReader {
 public:
  CaptureReader(std::unique_ptr<CaptureParser> parser, std::string file, const PacketOptions& options,
                uint16_t input)
      : parser_(std::move(parser)), file_(std::move(file)), intake_(options, input, false, true) {}

  Poll read(ByteSource& source, const Now& now, FrameWriter& writer, InputCounters& counters) override;
  [[nodiscard]] bool finish(const Now& now, FrameWriter& writer, InputCounters& counters) override {
    waits_for_room_ = !intake_.finish(now, writer, counters);
    return !waits_for_room_;
  }
  void abandon(InputCounters& counters) override { intake_.abandon(counters); }
  [[nodiscard]] uint64_t held_units() const noexcept override { return intake_.held_units(); }
  [[nodiscard]] bool waits_for_room() const noexcept override { return waits_for_room_; }
  [[nodiscard]] std::string fault() const override;

 private:
  void end_inside(InputCounters& counters, Drop drop);

  std::unique_ptr<CaptureParser> parser_;
  std::string file_;
  PacketIntake intake_;
  bool waits_for_room_ = false;
  bool at_end_ = false;
  uint64_t damaged_ = 0;
  uint64_t first_damage_at_ = 0;
  std::string refusal_;
};

Poll CaptureReader::read(ByteSource& source, const Now& now, FrameWriter& writer, InputCounters& counters) {
  waits_for_room_ = false;
  for (size_t done = 0; done < kBurstBytes;) {
    const CaptureStep step = parser_->next(source.window(), at_end_);
    switch (step.kind) {
      case Kind::packet:
        if (!intake_.in_progress()) counters.units.add(1);
        if (!intake_.take(step.packet, step.time_ns, now, writer, counters)) {
          waits_for_room_ = true;
          return Poll::idle;
        }
        break;
      case Kind::skipped:
        break;
      case Kind::damaged:
        if (damaged_++ == 0) first_damage_at_ = source.consumed();
        end_inside(counters, Drop::capture_damaged);
        break;
      case Kind::cut:
        end_inside(counters, Drop::frame_cut);
        break;
      case Kind::need: {
        const ByteSource::Fill fill = source.fill(step.bytes);
        at_end_ = fill == ByteSource::Fill::end;
        if (fill == ByteSource::Fill::wait) return done == 0 ? Poll::idle : Poll::busy;
        continue;
      }
      case Kind::refused:
        refusal_ = parser_->refusal();
        return Poll::done;
      case Kind::end:
        return Poll::done;
    }
    source.consume(step.bytes);
    done += step.bytes + 1;
  }
  return Poll::busy;
}

void CaptureReader::end_inside(InputCounters& counters, Drop drop) {
  counters.units.add(1);
  counters.drops.add(drop, 1);
}

std::string CaptureReader::fault() const {
  if (!refusal_.empty()) return "the capture file " + file_ + " " + refusal_ + ".";
  const std::string filter = intake_.filter_fault();
  if (damaged_ == 0 && !filter.empty()) return "the capture file " + file_ + " " + filter + ".";
  if (damaged_ == 0) return {};
  return "the capture file " + file_ + " is damaged in " + std::to_string(damaged_) +
         " places, first at byte " + std::to_string(first_damage_at_) +
         "; the sound records around them were read.";
}

}  // namespace

std::unique_ptr<FileReader> make_capture_reader(std::span<const uint8_t> first, std::string file,
                                                const PacketOptions& options, uint16_t input) {
  auto parser = make_capture_parser(first);
  if (parser == nullptr) return nullptr;
  return std::make_unique<CaptureReader>(std::move(parser), std::move(file), options, input);
}

}  // namespace weir
