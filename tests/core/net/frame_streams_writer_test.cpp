#include "core/net/frame_streams_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/net/frame_streams.h"

namespace weir {
namespace {

using State = FrameStreamsWriter::State;

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<uint8_t> operator+(std::vector<uint8_t> a, const std::vector<uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Our own reader's answers to what the writer says, step by step.
TEST(FrameStreamsWriter, GoesThroughASessionWithOurReader) {
  FrameStreamsWriter writer;
  FrameStreams reader(1'000);
  const auto say = [&](std::string_view text) {
    const std::vector<uint8_t> said = bytes_of(text);
    std::span<const uint8_t> rest(said);
    return reader.next(rest);
  };
  EXPECT_EQ(say(FrameStreamsWriter::opening()), FrameStreams::Step::reply);
  EXPECT_EQ(writer.take(reader.reply()), State::running);
  EXPECT_EQ(say(FrameStreamsWriter::start()), FrameStreams::Step::start);
  writer.begin_stop();
  EXPECT_EQ(writer.state(), State::stopping);
  EXPECT_EQ(say(FrameStreamsWriter::stop()), FrameStreams::Step::end);
  EXPECT_EQ(writer.take(reader.reply()), State::finished);
}

TEST(FrameStreamsWriter, TakesAnswersHoweverTheyAreCut) {
  const auto answers = encode_control(ControlType::accept) + encode_control(ControlType::accept);
  for (size_t cut = 0; cut <= answers.size(); ++cut) {
    FrameStreamsWriter writer;
    const std::span<const uint8_t> all(answers);
    writer.take(all.first(cut));
    EXPECT_EQ(writer.take(all.subspan(cut)), State::running) << cut;
  }
}

TEST(FrameStreamsWriter, FinishCountsOnlyBehindStop) {
  FrameStreamsWriter writer;
  writer.begin_stop();
  EXPECT_EQ(writer.state(), State::ready);
  writer.take(encode_control(ControlType::accept));
  EXPECT_EQ(writer.take(encode_control(ControlType::finish)), State::running);
}

TEST(FrameStreamsWriter, AnswersThatAreNoneEndTheSession) {
  std::vector<uint8_t> other = encode_control(ControlType::accept);
  other.back() = '?';
  std::vector<uint8_t> too_long = encode_control(ControlType::accept);
  too_long[6] = 0xff;
  const std::vector<std::vector<uint8_t>> bad = {other,
                                                 too_long,
                                                 bytes_of("HTTP/1.1 400 Bad Request\r\n"),
                                                 {0, 0, 0, 0, 0, 0, 0, 1, 0},
                                                 {0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 9},
                                                 encode_control(ControlType::ready),
                                                 encode_control(ControlType::start)};
  for (const auto& answer : bad) {
    FrameStreamsWriter writer;
    EXPECT_EQ(writer.take(answer), State::failed);
    EXPECT_FALSE(writer.fault().empty());
    EXPECT_EQ(writer.take(encode_control(ControlType::accept)), State::failed);
  }
}

}  // namespace
}  // namespace weir
