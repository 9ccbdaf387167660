// Compressed files, read back by the command line tools that users have.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/files/compressed_framing.h"
#include "exporters/files/compressing_sink.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using Kind = Compression::Kind;

// What zstd -dc or gzip -dc makes of the file; nothing: it found a fault.
std::optional<std::string> unpacked(Kind kind, const fs::path& path) {
  const std::string command =
      (kind == Kind::zstd ? "zstd -qdc < " : "gzip -dc < ") + path.string() + " 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  std::array<char, 65536> room{};
  for (size_t n = 0; (n = fread(room.data(), 1, room.size(), pipe)) != 0;) text.append(room.data(), n);
  if (pclose(pipe) != 0) return std::nullopt;
  return text;
}

std::string lines(char first, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += first + std::to_string(i) + "\n";
  return all;
}

struct CompressedFileTest : testing::TestWithParam<Kind> {
  struct Open {
    CompressedFraming framing;
    std::shared_ptr<RecordFile> file;
    std::unique_ptr<CompressingSink> sink;
  };

  std::unique_ptr<Open> open(const FileRotation& rotation = {}, FileFraming& content = line_framing()) {
    const Compression compression{.kind = GetParam(), .level = 1};
    auto it = std::make_unique<Open>(Open{{compression, content}, {}, {}});
    auto file = RecordFile::open({.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path},
                                 it->framing, rotation);
    error = file ? "" : file.error().message;
    if (!file) return nullptr;
    it->file = *file;
    it->sink = std::make_unique<CompressingSink>(compression, FileSink(*file));
    return it;
  }
  void append(const std::string& records, FileFraming& content = line_framing()) {
    auto it = open({}, content);
    ASSERT_TRUE(it) << error;
    EXPECT_EQ(it->sink->write(records, 0, now), records.size());
  }
  void put(const std::string& bytes) { (void)folder.write("out", bytes); }
  [[nodiscard]] std::string bytes() const { return folder.read("out"); }

  TempFolder folder;
  fs::path path = folder.path() / "out";
  std::string error;
  Now now{.mono_ns = kNsPerSec, .wall_ns = 0};
};

TEST_P(CompressedFileTest, CanBeReadAfterEachBlockAndGoesOn) {
  {
    auto it = open();
    ASSERT_TRUE(it) << error;
    const std::string a = lines('a', 1'000);
    const std::string b = lines('b', 3);
    EXPECT_EQ(it->sink->write(a, 0, now), a.size());
    EXPECT_EQ(unpacked(GetParam(), path), a);
    EXPECT_EQ(it->sink->write(b, 0, now), b.size());
    EXPECT_EQ(unpacked(GetParam(), path), a + b);
    EXPECT_LT(bytes().size(), a.size());
  }
  append("c\n");
  EXPECT_EQ(unpacked(GetParam(), path), lines('a', 1'000) + lines('b', 3) + "c\n");
}

TEST_P(CompressedFileTest, WhatAKilledWriterLeftIsCutBackAtAnyByte) {
  append("one\n");
  const size_t first = bytes().size();
  append("two\n");
  const std::string whole = bytes();
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    put(whole.substr(0, cut));
    append("three\n");
    const std::string kept = cut == whole.size() ? "one\ntwo\n" : cut >= first ? "one\n" : "";
    ASSERT_EQ(unpacked(GetParam(), path), kept + "three\n") << cut;
  }
}

TEST_P(CompressedFileTest, FramesKeepOneStartAndOneStop) {
  const std::string start(frame_streams_framing().opening());
  const std::string stop(frame_streams_framing().closing());
  const std::string one("\0\0\0\3one", 7);
  const std::string two("\0\0\0\3two", 7);
  append(one, frame_streams_framing());
  EXPECT_EQ(unpacked(GetParam(), path), start + one + stop);
  const std::string whole = bytes();
  append(two, frame_streams_framing());
  EXPECT_EQ(unpacked(GetParam(), path), start + one + two + stop);
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    put(whole.substr(0, cut));
    append(two, frame_streams_framing());
    const auto now_in = unpacked(GetParam(), path);
    ASSERT_TRUE(now_in == start + two + stop || now_in == start + one + two + stop) << cut;
  }
}

TEST_P(CompressedFileTest, RefusesWhatIsNotItsOwnAndLeavesItAlone) {
  append("one\n");
  const std::string whole = bytes();
  for (const std::string& content : {std::string("{}\n"), std::string("{\"qname\":\"x.\"}\n"), whole + "{}\n",
                                     std::string(64, '\0'), whole + std::string(64, '\0')}) {
    put(content);
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("name another file"), std::string::npos) << error;
    EXPECT_EQ(bytes(), content);
  }
  put(whole);
  EXPECT_FALSE(open({}, frame_streams_framing())) << "lines are no frames";
}

TEST_P(CompressedFileTest, IsRotatedWhenItsTimeIsOverThoughNothingComes) {
  auto it = open({.bytes = 0, .every_ms = 60'000});
  ASSERT_TRUE(it) << error;
  EXPECT_EQ(it->sink->write("one\n", 0, now), 4U);
  now.wall_ns = 61 * kNsPerSec;
  it->sink->poll(now);
  EXPECT_EQ(unpacked(GetParam(), folder.path() / "out-19700101T000101Z"), "one\n");
  EXPECT_EQ(it->sink->write("two\n", 0, now), 4U);
  EXPECT_EQ(unpacked(GetParam(), path), "two\n");
}

// A limit on file sizes cuts a write as a full disk does, and needs no root.
TEST_P(CompressedFileTest, AFullDiskIsAStateAndTheBlockIsWrittenOnce) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto it = open();
  ASSERT_TRUE(it) << error;
  const std::string a = lines('a', 5'000);
  rlimit saved{};
  getrlimit(RLIMIT_FSIZE, &saved);
  const rlimit limit{100, saved.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(it->sink->write(a, 0, now), 0U);
  setrlimit(RLIMIT_FSIZE, &saved);
  EXPECT_FALSE(it->sink->up());
  EXPECT_TRUE(it->sink->ended().empty());
  now.mono_ns += kNsPerSec;
  EXPECT_EQ(it->sink->write(a, 0, now), a.size());
  EXPECT_TRUE(it->sink->up());
  EXPECT_EQ(unpacked(GetParam(), path), a);
}

TEST_P(CompressedFileTest, ABlockThatIsGivenUpLeavesNothingBehind) {
  std::signal(SIGXFSZ, SIG_IGN);
  {
    auto it = open();
    ASSERT_TRUE(it) << error;
    EXPECT_EQ(it->sink->write("one\n", 0, now), 4U);
    const std::string a = lines('a', 5'000);
    rlimit saved{};
    getrlimit(RLIMIT_FSIZE, &saved);
    const rlimit limit{200, saved.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    EXPECT_EQ(it->sink->write(a, 0, now), 0U);
    setrlimit(RLIMIT_FSIZE, &saved);
    it->sink->abandon(a, 0);
  }
  EXPECT_EQ(unpacked(GetParam(), path), "one\n");
}

INSTANTIATE_TEST_SUITE_P(Kinds, CompressedFileTest, testing::Values(Kind::zstd, Kind::gzip),
                         [](const auto& kind) { return kind.param == Kind::zstd ? "zstd" : "gzip"; });

}  // namespace
}  // namespace weir
