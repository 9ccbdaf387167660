#include "core/net/frame_streams.h"

#include <fstrm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "core/net/control_frame.h"
#include "tests/test_data.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;
using Step = FrameStreams::Step;

constexpr uint32_t kLimit = 1U << 20U;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes be32(uint32_t v) {
  return {static_cast<uint8_t>(v >> 24U), static_cast<uint8_t>(v >> 16U), static_cast<uint8_t>(v >> 8U),
          static_cast<uint8_t>(v)};
}

Bytes data(const std::string& payload) {
  return be32(static_cast<uint32_t>(payload.size())) + Bytes(payload.begin(), payload.end());
}

Bytes content_type(const std::string& type) { return be32(1) + data(type); }

Bytes control(uint32_t type, const Bytes& fields = {}) {
  return be32(0) + be32(static_cast<uint32_t>(4 + fields.size())) + be32(type) + fields;
}

const Bytes kReady = control(4, content_type("protobuf:dnstap.Dnstap"));
const Bytes kAccept = control(1, content_type("protobuf:dnstap.Dnstap"));
const Bytes kStart = control(2, content_type("protobuf:dnstap.Dnstap"));
const Bytes kStop = control(3);
const Bytes kFinish = control(5);

// What came out of a stream, as text: one word a step, frames with their payload.
struct Outcome {
  std::string steps;
  std::vector<Bytes> frames;
  size_t too_long = 0;
  size_t ends = 0;
  StreamFault fault = StreamFault::none;
  bool cut = false;
};

// Feeds the bytes in pieces that end at `splits`, and keeps the rest of each piece in front of the next one,
// as a connection does.
Outcome run(const Bytes& bytes, std::vector<size_t> splits = {}, uint32_t limit = kLimit) {
  FrameStreams streams(limit);
  Outcome out;
  Bytes held;
  size_t at = 0;
  splits.push_back(bytes.size());
  bool failed = false;
  for (size_t split : splits) {
    held.insert(held.end(), bytes.begin() + static_cast<ptrdiff_t>(at),
                bytes.begin() + static_cast<ptrdiff_t>(split));
    at = split;
    std::span<const uint8_t> rest(held);
    for (bool more = false; !more && !failed;) {
      switch (streams.next(rest)) {
        case Step::more:
          EXPECT_GT(streams.need(), rest.size());
          EXPECT_LE(streams.need(), std::max<size_t>(limit + 4, 520));
          more = true;
          break;
        case Step::frame:
          out.steps += "frame ";
          out.frames.emplace_back(streams.frame().begin(), streams.frame().end());
          break;
        case Step::too_long:
          out.steps += "long ";
          ++out.too_long;
          break;
        case Step::reply:
          out.steps += "reply ";
          EXPECT_EQ(Bytes(streams.reply().begin(), streams.reply().end()), kAccept);
          break;
        case Step::start:
          out.steps += "start ";
          break;
        case Step::end:
          out.steps += streams.reply().empty() ? "end " : "end+finish ";
          ++out.ends;
          if (!streams.reply().empty()) {
            EXPECT_EQ(Bytes(streams.reply().begin(), streams.reply().end()), kFinish);
          }
          break;
        case Step::odd:
          out.steps += "odd ";
          break;
        case Step::fault:
          out.steps += std::string(to_string(streams.fault())) + " ";
          failed = true;
          break;
      }
    }
    if (failed) break;
    held.assign(rest.begin(), rest.end());
  }
  out.fault = streams.fault();
  out.cut = streams.cut_in_frame(held);
  if (!out.steps.empty()) out.steps.pop_back();
  return out;
}

// The same outcome wherever the bytes are split, once (long ones: at 2000 places) or at each byte.
Outcome run_all_ways(const Bytes& bytes, uint32_t limit = kLimit) {
  const Outcome whole = run(bytes, {}, limit);
  std::vector<size_t> each;
  for (size_t i = 1; i < bytes.size(); ++i) {
    each.push_back(i);
    if (i % (1 + bytes.size() / 2000) != 0) continue;
    const Outcome split = run(bytes, {i}, limit);
    EXPECT_EQ(split.steps, whole.steps) << "split at " << i;
    EXPECT_EQ(split.frames, whole.frames) << "split at " << i;
    EXPECT_EQ(split.cut, whole.cut) << "split at " << i;
  }
  const Outcome single = run(bytes, each, limit);
  EXPECT_EQ(single.steps, whole.steps);
  EXPECT_EQ(single.frames, whole.frames);
  EXPECT_EQ(single.cut, whole.cut);
  return whole;
}

TEST(FrameStreams, BidirectionalStreamIsAnswered) {
  const Outcome out = run_all_ways(kReady + kStart + data("one") + data("two") + kStop);
  EXPECT_EQ(out.steps, "reply start frame frame end+finish");
  EXPECT_EQ(out.frames[1], Bytes({'t', 'w', 'o'}));
}

TEST(FrameStreams, UnidirectionalStreamIsNotAnswered) {
  EXPECT_EQ(run_all_ways(kStart + data("one") + kStop).steps, "start frame end");
}

TEST(FrameStreams, ReadyMayListSeveralContentTypesOrNone) {
  const Bytes several =
      control(4, content_type("protobuf:other") + content_type("protobuf:dnstap.Dnstap") + content_type("x"));
  EXPECT_EQ(run_all_ways(several + kStart + data("a")).steps, "reply start frame");
  EXPECT_EQ(run_all_ways(control(4) + control(2) + data("a")).steps, "reply start frame");
}

TEST(FrameStreams, WrongContentTypeIsAFault) {
  const Bytes other = content_type("protobuf:dnstap.dnstap");
  EXPECT_EQ(run_all_ways(control(4, other)).steps, "content_type");
  EXPECT_EQ(run_all_ways(control(2, other)).steps, "content_type");
  EXPECT_EQ(run_all_ways(kStart + data("a") + control(2, other) + data("b")).steps,
            "start frame content_type");
}

TEST(FrameStreams, StreamsThatFollowEachOtherAreRead) {
  EXPECT_EQ(run_all_ways(kStart + data("a") + kStart + data("b") + kStop).steps,
            "start frame start frame end");
  EXPECT_EQ(run_all_ways(kStart + data("a") + kStop + kStart + data("b") + kStop).steps,
            "start frame end start frame end");
  EXPECT_EQ(run_all_ways(kReady + kStart + kStop + kReady + kStart + data("b") + kStop).steps,
            "reply start end+finish reply start frame end+finish");
  EXPECT_EQ(run_all_ways(kReady + kStart + kStop + kStart + data("b") + kStop).steps,
            "reply start end+finish start frame end+finish")
      << "two-way once is two-way";
  EXPECT_EQ(run_all_ways(kStart + kStop + kStart + kStop + kReady + kStart + kStop + kStart + kStop).steps,
            "start end start end reply start end+finish start end+finish");
}

TEST(FrameStreams, OddControlFramesWithinAStreamArePassedOver) {
  EXPECT_EQ(run_all_ways(kReady + kReady + kStart).steps, "reply odd start");
  EXPECT_EQ(
      run_all_ways(kStart + kReady + kAccept + kFinish + control(6) + control(0xffffffff) + data("a")).steps,
      "start odd odd odd odd odd frame");
  EXPECT_EQ(run_all_ways(kStart + kStop + kStop).steps, "start end odd");
}

TEST(FrameStreams, WhatASenderMustNotBeginWith) {
  for (const Bytes& first : {kAccept, kFinish, kStop, control(6)}) {
    EXPECT_EQ(run_all_ways(first + kStart).steps, "control_unexpected");
    EXPECT_EQ(run_all_ways(kReady + first + kStart).steps, "reply control_unexpected");
  }
  EXPECT_EQ(run_all_ways(data("a")).steps, "not_frame_streams");
  EXPECT_EQ(run_all_ways(Bytes({'G', 'E', 'T', ' ', '/'})).steps, "not_frame_streams");
  EXPECT_EQ(run_all_ways(kReady + data("a")).steps, "reply data_outside");
  EXPECT_EQ(run_all_ways(kStart + kStop + data("a")).steps, "start end data_outside");
}

TEST(FrameStreams, DamagedControlFramesAreFaults) {
  const Bytes dnstap = content_type("protobuf:dnstap.Dnstap");
  EXPECT_EQ(run_all_ways(kStart + be32(0) + be32(0)).steps, "start control_bad");
  EXPECT_EQ(run_all_ways(kStart + be32(0) + be32(3) + Bytes{0, 0, 0}).steps, "start control_bad");
  EXPECT_EQ(run_all_ways(control(2, dnstap + dnstap)).steps, "control_bad");
  EXPECT_EQ(run_all_ways(control(2, be32(2) + data("x"))).steps, "control_bad");
  EXPECT_EQ(run_all_ways(control(2, be32(1) + be32(30) + Bytes(22, 'x'))).steps, "control_bad");
  EXPECT_EQ(run_all_ways(control(2, content_type(std::string(257, 'x')))).steps, "control_bad");
  EXPECT_EQ(run_all_ways(control(2, content_type(std::string(256, 'x')))).steps, "content_type");
  EXPECT_EQ(run_all_ways(kStart + control(3, dnstap)).steps, "start control_bad");
  EXPECT_EQ(run_all_ways(kStart + be32(0) + be32(513) + Bytes(513, 0)).steps, "start control_too_long");
  EXPECT_EQ(run_all_ways(be32(0) + be32(513)).steps, "control_too_long");
  EXPECT_EQ(run_all_ways(be32(0) + be32(0xffffffff)).steps, "control_too_long");
  EXPECT_EQ(run_all_ways(kReady + be32(0) + be32(513)).steps, "reply control_too_long");
  // 512 bytes are allowed, here as an unknown type.
  EXPECT_EQ(run_all_ways(kStart + control(6, Bytes(508, 0)) + data("a")).steps, "start odd frame");
}

TEST(FrameStreams, FrameOverTheLimitIsSkippedAndCountedOnce) {
  const std::string at_limit(100, 'x');
  const std::string over(101, 'y');
  const Outcome out =
      run_all_ways(kStart + data(at_limit) + data(over) + data(over) + data("z") + kStop, 100);
  EXPECT_EQ(out.steps, "start frame long long frame end");
  // Cut while it is skipped: it was counted already.
  Bytes cut = kStart + data(over);
  cut.resize(cut.size() - 50);
  EXPECT_EQ(run_all_ways(cut, 100).steps, "start long");
  EXPECT_FALSE(run_all_ways(cut, 100).cut);
}

TEST(FrameStreams, InsaneLengthIsAFault) {
  EXPECT_EQ(run_all_ways(kStart + data("a") + be32((256U << 20U) + 1) + Bytes(20, 0)).steps,
            "start frame length_insane");
  EXPECT_EQ(run_all_ways(kStart + be32(256U << 20U) + Bytes(20, 0)).steps, "start long");
  EXPECT_EQ(run_all_ways(kStart + be32(0xffffffff) + Bytes(20, 0)).steps, "start length_insane");
}

TEST(FrameStreams, CutIsToldOnlyInsideADataFrame) {
  const Bytes stream = kStart + data("hello");
  for (size_t n = 0; n <= stream.size(); ++n) {
    const Bytes part(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(n));
    EXPECT_EQ(run(part).cut, n > kStart.size() && n < stream.size()) << n;
  }
  Bytes half_stop = stream + kStop;
  half_stop.resize(half_stop.size() - 3);
  EXPECT_FALSE(run(half_stop).cut);
}

TEST(FrameStreams, AFrameMayBeFedAgain) {
  FrameStreams streams(kLimit);
  const Bytes bytes = kStart + data("a") + data("b");
  std::span<const uint8_t> rest(bytes);
  ASSERT_EQ(streams.next(rest), Step::start);
  const auto before = rest;
  ASSERT_EQ(streams.next(rest), Step::frame);
  rest = before;
  ASSERT_EQ(streams.next(rest), Step::frame);
  EXPECT_EQ(streams.frame()[0], 'a');
  ASSERT_EQ(streams.next(rest), Step::frame);
  EXPECT_EQ(streams.frame()[0], 'b');
  EXPECT_EQ(streams.next(rest), Step::more);
}

TEST(ControlFrame, WhatWeWriteIsWhatSendersExpect) {
  EXPECT_EQ(encode_control(ControlType::ready), kReady);
  EXPECT_EQ(encode_control(ControlType::accept), kAccept);
  EXPECT_EQ(encode_control(ControlType::start), kStart);
  EXPECT_EQ(encode_control(ControlType::stop), kStop);
  EXPECT_EQ(encode_control(ControlType::finish), kFinish);
}

// libfstrm's own reader on a file: the frames it gives, and whether it came to a STOP.
struct Oracle {
  std::vector<Bytes> frames;
  bool stopped = false;
};

Oracle read_with_libfstrm(const fs::path& path) {
  Oracle oracle;
  fstrm_file_options* file_options = fstrm_file_options_init();
  fstrm_file_options_set_file_path(file_options, path.c_str());
  fstrm_reader_options* options = fstrm_reader_options_init();
  fstrm_reader_options_add_content_type(options, kDnstapContentType.data(), kDnstapContentType.size());
  fstrm_reader_options_set_max_frame_size(options, kLimit);
  fstrm_reader* reader = fstrm_file_reader_init(file_options, options);
  const uint8_t* payload = nullptr;
  size_t len = 0;
  fstrm_res res = fstrm_res_failure;
  // On a frame over its limit libfstrm 0.6.1 says success and sets nothing.
  while ((payload = nullptr, res = fstrm_reader_read(reader, &payload, &len)) == fstrm_res_success &&
         payload != nullptr)
    oracle.frames.emplace_back(payload, payload + len);
  oracle.stopped = res == fstrm_res_stop;
  fstrm_reader_destroy(&reader);
  fstrm_reader_options_destroy(&options);
  fstrm_file_options_destroy(&file_options);
  return oracle;
}

// Ours gives at least what libfstrm gives, and exactly that where libfstrm is content.
void compare_with_libfstrm(const fs::path& path) {
  SCOPED_TRACE(path);
  const Outcome ours = run(read_file(path));
  const Oracle theirs = read_with_libfstrm(path);
  ASSERT_GE(ours.frames.size(), theirs.frames.size());
  EXPECT_TRUE(std::equal(theirs.frames.begin(), theirs.frames.end(), ours.frames.begin()));
  if (theirs.stopped && ours.ends == 1) {
    EXPECT_EQ(ours.frames.size(), theirs.frames.size());
  }
}

std::vector<fs::path> fstrm_files(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir))
    if (entry.path().extension() == ".fstrm") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(FrameStreams, SameFramesAsLibfstrmOnTheTestData) {
  const auto files = fstrm_files(test_data());
  ASSERT_GT(files.size(), 50U);
  for (const fs::path& file : files) compare_with_libfstrm(file);
}

TEST(FrameStreams, SameFramesAsLibfstrmOnTheCorpus) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the source tree";
  size_t frames = 0;
  for (const fs::path& file : fstrm_files(corpus)) {
    compare_with_libfstrm(file);
    frames += run(read_file(file)).frames.size();
  }
  EXPECT_GT(frames, 30'000U);
}

TEST(FrameStreams, RawStreamsGiveTheFramesOfTheirFiles) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the source tree";
  for (const char* name : {"bind-raw", "knot-raw", "unbound-unidirectional"}) {
    const Bytes raw = read_file(corpus / "dnstap/raw" / (std::string(name) + ".raw"));
    std::vector<size_t> splits;
    for (size_t at = 1; at < raw.size(); at += 1 + at % 1009) splits.push_back(at);
    const Outcome pieces = run(raw, splits);
    EXPECT_EQ(pieces.frames, run(read_file(corpus / "dnstap" / (std::string(name) + ".fstrm"))).frames)
        << name;
    EXPECT_EQ(pieces.fault, StreamFault::none) << name;
  }
}

TEST(FrameStreams, MalformedStreamsOfTheTestData) {
  const std::map<std::string, std::string> expected = {
      {"fstrm/start-cut-33.fstrm", ""},
      {"fstrm/no-start.fstrm", "not_frame_streams"},
      {"fstrm/stop-first.fstrm", "control_unexpected"},
      {"fstrm/data-after-stop.fstrm", "start frame end data_outside"},
      {"fstrm/start-twice.fstrm", "start frame start frame end"},
      {"fstrm/accept-instead-of-start.fstrm", "control_unexpected"},
      {"fstrm/ready-instead-of-start.fstrm", "reply data_outside"},
      {"fstrm/control-type-6.fstrm", "start frame odd frame end"},
      {"fstrm/control-type-ffffffff.fstrm", "start frame odd frame end"},
      {"fstrm/content-type-lower-case.fstrm", "content_type"},
      {"fstrm/content-type-257-bytes.fstrm", "control_bad"},
      {"fstrm/content-type-none.fstrm", "start frame end"},
      {"fstrm/content-type-second-right.fstrm", "control_bad"},
      {"fstrm/control-length-4096.fstrm", "start frame control_too_long"},
      {"fstrm/data-length-fffffffc.fstrm", "start frame length_insane"},
      {"fstrm/data-length-16777216-cut.fstrm", "start frame long"},
      {"fstrm/data-length-100000.fstrm", "start frame frame frame end"},
      {"fstrm/data-cut-20.fstrm", "start frame"},
      {"fstrm/pcap.fstrm", "not_frame_streams"},
      {"stream/ready-only.raw", "reply"},
      {"stream/ready-half.raw", ""},
      {"stream/ready-wrong-type.raw", "content_type"},
      {"stream/ready-twice.raw", "reply odd start frame end+finish"},
      {"stream/ready-data.raw", "reply data_outside"},
      {"stream/ready-stop.raw", "reply control_unexpected"},
      {"stream/no-stop.raw", "reply start frame frame"},
      {"stream/half-frame.raw", "reply start frame"},
      {"stream/half-length.raw", "reply start frame"},
      {"stream/accept-from-sender.raw", "control_unexpected"},
      {"stream/start-immediately.raw", "start frame frame end"},
      {"stream/stop-stop.raw", "reply start frame end+finish odd"},
      {"stream/new-stream-after-stop.raw", "reply start frame end+finish reply start frame end+finish"},
  };
  for (const auto& [file, steps] : expected)
    EXPECT_EQ(run_all_ways(read_file(test_data("malformed") / file)).steps, steps) << file;
  for (const char* cut : {"fstrm/data-cut-1.fstrm", "fstrm/data-cut-119.fstrm", "stream/half-frame.raw",
                          "stream/half-length.raw", "fstrm/data-length-131072-cut.fstrm"})
    EXPECT_TRUE(run(read_file(test_data("malformed") / cut)).cut) << cut;
}

}  // namespace
}  // namespace weir
