#include "dataplane/file_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "core/net/frame_streams.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/test_data.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using Inputs = std::vector<std::unique_ptr<Input>>;

std::vector<std::string> frames_of(const fs::path& path) {
  const std::vector<uint8_t> bytes = read_file(path);
  std::vector<std::string> frames;
  FrameStreams streams(1U << 20U);
  std::span<const uint8_t> rest(bytes);
  for (FrameStreams::Step step; (step = streams.next(rest)) != FrameStreams::Step::more;) {
    if (step == FrameStreams::Step::fault) break;
    if (step == FrameStreams::Step::frame)
      frames.emplace_back(streams.frame().begin(), streams.frame().end());
  }
  return frames;
}

class FileInputTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ / name, std::ios::binary) << bytes;
    return dir_ / name;
  }
  static std::string text(const fs::path& path) {
    const auto bytes = read_file(path);
    return {bytes.begin(), bytes.end()};
  }

  static Inputs open(std::vector<std::string> paths, unsigned lcores = 1) {
    FileOptions options;
    options.paths = std::move(paths);
    auto opened = open_files(options, 5, lcores);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(opened).value() : Inputs();
  }
  static std::string refusal(const std::string& path) {
    FileOptions options;
    options.paths = {path};
    auto opened = open_files(options, 0, 1);
    return opened.ok() ? "" : opened.error().message;
  }

  // Polls to the end; the decode side takes a burst's frames after each poll.
  static void drain(Input& input, FrameCatcher& sink) {
    for (int i = 0; i < 100'000; ++i) {
      const Now now{.mono_ns = static_cast<uint64_t>(i) + 1};
      const Poll result = input.poll(now, sink.writer());
      sink.drain();
      if (result == Poll::done) return;
    }
    FAIL() << "the input does not end";
  }
  static std::vector<std::string> payloads(FrameCatcher& sink) {
    std::vector<std::string> all;
    for (const auto& taken : sink.frames()) all.push_back(taken.payload);
    return all;
  }

  fs::path dir_;
};

TEST_F(FileInputTest, DnstapFilesGiveTheirFrames) {
  for (const auto& entry : fs::directory_iterator(test_data("dnstap"))) {
    if (entry.path().extension() != ".fstrm") continue;
    SCOPED_TRACE(entry.path());
    Inputs inputs = open({entry.path()});
    ASSERT_EQ(inputs.size(), 1U);
    FrameCatcher sink;
    drain(*inputs[0], sink);
    EXPECT_EQ(payloads(sink), frames_of(entry.path()));
    EXPECT_EQ(inputs[0]->fault(), "");
    EXPECT_EQ(inputs[0]->size(), fs::file_size(entry.path()));
    EXPECT_EQ(inputs[0]->position(), inputs[0]->size());
    EXPECT_EQ(inputs[0]->counters().bytes.get(), inputs[0]->size());
    EXPECT_EQ(sink.frames().at(0).head.input, 5);
    EXPECT_FALSE(sink.frames().at(0).head.src.addr.present());
    expect_even(*inputs[0]);
  }
}

TEST_F(FileInputTest, CorpusFilesGiveTheirFrames) {
  const fs::path corpus = corpus_dir();
  if (corpus.empty()) GTEST_SKIP() << "no corpus beside the source tree";
  std::vector<std::string> paths;
  std::vector<std::string> expected;
  for (const auto& entry : fs::directory_iterator(corpus / "dnstap")) {
    if (entry.path().extension() != ".fstrm") continue;
    paths.push_back(entry.path());
    for (auto& frame : frames_of(entry.path())) expected.push_back(std::move(frame));
  }
  Inputs inputs = open(paths);
  FrameCatcher sink;
  drain(*inputs.at(0), sink);
  EXPECT_EQ(payloads(sink), expected);
  expect_even(*inputs[0]);
}

TEST_F(FileInputTest, GzipFileGivesTheSame) {
  Inputs inputs = open({test_data("dnstap/kdig-one.fstrm.gz")});
  FrameCatcher sink;
  drain(*inputs.at(0), sink);
  EXPECT_EQ(payloads(sink), frames_of(test_data("dnstap/kdig-one.fstrm")));
  EXPECT_EQ(inputs[0]->position(), inputs[0]->size());
}

TEST_F(FileInputTest, FilesAreDealtRoundAndReadOneAfterTheOther) {
  const std::string a = test_data("dnstap/kdig-one.fstrm");
  const std::string b = test_data("dnstap/kdig-tool.fstrm");
  Inputs inputs = open({a, b, b, a, a}, 2);
  ASSERT_EQ(inputs.size(), 2U);
  std::vector<size_t> frames;
  for (auto& input : inputs) {
    FrameCatcher sink;
    drain(*input, sink);
    frames.push_back(sink.frames().size());
    EXPECT_EQ(input->lcore(), frames.size() - 1);
    EXPECT_EQ(input->position(), input->size());
  }
  const size_t na = frames_of(a).size();
  const size_t nb = frames_of(b).size();
  EXPECT_EQ(frames, std::vector<size_t>({na + nb + na, nb + na}));
  EXPECT_EQ(open({a}, 4).size(), 1U);
}

TEST_F(FileInputTest, SmallRingsMakeTheFileWait) {
  Inputs inputs = open({test_data("dnstap/bind-file.fstrm")});
  const auto expected = frames_of(test_data("dnstap/bind-file.fstrm"));
  FrameCatcher sink(1, 1, 3, 4096);
  uint64_t idle = 0;
  for (uint64_t i = 1; i < 100'000; ++i) {
    const Now now{.mono_ns = i * 10};
    const Poll result = inputs.at(0)->poll(now, sink.writer());
    expect_even(*inputs[0]);
    if (result == Poll::idle) ++idle;
    if (i % 3 == 0) sink.pop_all();
    if (result == Poll::done) break;
  }
  sink.drain();
  EXPECT_EQ(payloads(sink), expected);
  EXPECT_GT(idle, 0U);
  EXPECT_GT(inputs[0]->counters().backpressure_ns.get(), 0U);
  EXPECT_EQ(inputs[0]->counters().drops.total(StageKind::ingest), 0U);
}

TEST_F(FileInputTest, StopEndsAFileBetweenTwoFrames) {
  Inputs inputs = open({test_data("dnstap/bind-file.fstrm")});
  FrameCatcher sink(1, 1, 3, 4096);
  ASSERT_EQ(inputs.at(0)->poll({.mono_ns = 1}, sink.writer()), Poll::busy);
  inputs[0]->stop({});
  EXPECT_EQ(inputs[0]->poll({.mono_ns = 2}, sink.writer()), Poll::done);
  sink.drain();
  EXPECT_EQ(sink.frames().size(), inputs[0]->counters().units.get());
  EXPECT_GT(sink.frames().size(), 0U);
}

TEST_F(FileInputTest, WhatIsNoFileOfOursIsRefusedWithASentence) {
  EXPECT_NE(refusal(write("empty", "")).find("is empty"), std::string::npos);
  EXPECT_NE(refusal(write("zip", "PK\x03\x04rest")).find("it starts with 50 4b 03 04"), std::string::npos);
  EXPECT_NE(refusal(write("short", "ab")).find("it starts with 61 62"), std::string::npos);
  EXPECT_NE(refusal(dir_).find("is a directory"), std::string::npos);
  EXPECT_NE(refusal(dir_ / "none").find("No such file"), std::string::npos);
  EXPECT_NE(refusal(test_data("malformed/fstrm/no-start.fstrm")).find("neither"), std::string::npos);
}

struct Expectation {
  uint64_t frames;
  uint64_t cut;
  uint64_t too_long;
  std::string fault;  // a part of it
};

TEST_F(FileInputTest, MalformedFilesKeepTheirSoundFramesAndSayWhatIsWrong) {
  const std::map<std::string, Expectation> cases = {
      {"start-cut-12", {0, 0, 0, "START control frame"}},
      {"stop-first", {0, 0, 0, "byte 0: it begins with a control frame"}},
      {"data-after-stop", {1, 0, 0, "before START or after STOP"}},
      {"start-twice", {2, 0, 0, ""}},
      {"content-type-lower-case", {0, 0, 0, "content type"}},
      {"content-type-none", {1, 0, 0, ""}},
      {"control-type-6", {2, 0, 0, ""}},
      {"control-length-3", {1, 0, 0, "control frame contradicts itself"}},
      {"control-length-4096", {1, 0, 0, "over 512 bytes"}},
      {"data-length-ffffffff", {1, 0, 0, "over 256 MiB"}},
      {"data-length-16777216-cut", {1, 0, 1, ""}},
      {"data-length-131072-cut", {1, 1, 0, ""}},
      {"data-length-100000", {3, 0, 0, ""}},
      {"data-cut-1", {1, 1, 0, ""}},
      {"data-cut-119", {1, 1, 0, ""}},
      {"one-byte-frames", {5001, 0, 0, ""}},
  };
  for (const auto& [name, want] : cases) {
    SCOPED_TRACE(name);
    Inputs inputs = open({test_data("malformed/fstrm/" + name + ".fstrm")});
    FrameCatcher sink;
    drain(*inputs.at(0), sink);
    const InputCounters& counters = inputs[0]->counters();
    EXPECT_EQ(sink.frames().size(), want.frames);
    EXPECT_EQ(counters.drops.get(Drop::frame_cut), want.cut);
    EXPECT_EQ(counters.drops.get(Drop::frame_too_long), want.too_long);
    EXPECT_EQ(inputs[0]->fault().empty(), want.fault.empty()) << inputs[0]->fault();
    EXPECT_NE(inputs[0]->fault().find(want.fault), std::string::npos) << inputs[0]->fault();
    expect_even(*inputs[0]);
  }
}

TEST_F(FileInputTest, CapturesAreToldByTheirFirstBytes) {
  for (const char* name : {"variant-base.pcap", "variant-gzip.pcap.gz", "variant-pcapng.pcapng"}) {
    Inputs inputs = open({test_data("pcap") / name, test_data("dnstap/kdig-one.fstrm")});
    FrameCatcher sink;
    drain(*inputs.at(0), sink);
    EXPECT_EQ(inputs[0]->fault(), "");
    ASSERT_GT(sink.frames().size(), 100U) << name;
    EXPECT_EQ(sink.frames().front().head.kind, FrameKind::dns_udp);
    EXPECT_EQ(sink.frames().back().head.kind, FrameKind::dnstap);
    EXPECT_EQ(inputs[0]->position(), inputs[0]->size());
    expect_even(*inputs[0]);
  }
}

TEST_F(FileInputTest, ADamagedFileDoesNotKeepTheNextFromBeingRead) {
  const std::string good = test_data("dnstap/kdig-one.fstrm");
  Inputs inputs = open({test_data("malformed/fstrm/data-after-stop.fstrm"), good});
  FrameCatcher sink;
  drain(*inputs.at(0), sink);
  EXPECT_EQ(sink.frames().size(), 1 + frames_of(good).size());
  EXPECT_NE(inputs[0]->fault().find("data-after-stop.fstrm' is damaged"), std::string::npos);
}

TEST_F(FileInputTest, FramesOverTheLimitAreSkipped) {
  FileOptions options;
  options.paths = {test_data("malformed/fstrm/data-length-100000.fstrm")};
  options.frame_limit = 50'000;
  auto inputs = open_files(options, 0, 1);
  ASSERT_TRUE(inputs.ok());
  FrameCatcher sink;
  drain(*(*inputs)[0], sink);
  EXPECT_EQ(sink.frames().size(), 2U);
  EXPECT_EQ((*inputs)[0]->counters().drops.get(Drop::frame_too_long), 1U);
  expect_even(*(*inputs)[0]);
}

TEST_F(FileInputTest, FifoIsReadAsItComes) {
  const std::string path = dir_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Inputs inputs = open({path});
  FrameCatcher sink;
  EXPECT_EQ(inputs.at(0)->poll({.mono_ns = 1}, sink.writer()), Poll::idle);
  const int fd = ::open(path.c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  const std::string bytes = text(test_data("dnstap/kdig-one.fstrm"));
  for (char c : bytes) {
    ASSERT_EQ(::write(fd, &c, 1), 1);
    ASSERT_NE(inputs[0]->poll({.mono_ns = 1}, sink.writer()), Poll::done);
  }
  close(fd);
  drain(*inputs[0], sink);
  EXPECT_EQ(payloads(sink), frames_of(test_data("dnstap/kdig-one.fstrm")));
  EXPECT_EQ(inputs[0]->fault(), "");
}

TEST_F(FileInputTest, EmptyFifoAndCutGzipAreToldWhenTheInputIsDone) {
  const std::string path = dir_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Inputs inputs = open({path});
  const int fd = ::open(path.c_str(), O_WRONLY);
  close(fd);
  FrameCatcher sink;
  drain(*inputs.at(0), sink);
  EXPECT_NE(inputs[0]->fault().find("is empty"), std::string::npos);

  const std::string packed = text(test_data("dnstap/kdig-one.fstrm.gz"));
  Inputs cut = open({write("cut.gz", packed.substr(0, packed.size() - 30))});
  drain(*cut.at(0), sink);
  EXPECT_NE(cut[0]->fault().find("ends inside its gzip data"), std::string::npos) << cut[0]->fault();
}

}  // namespace
}  // namespace weir
