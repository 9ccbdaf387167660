// Files of Frame Streams as RecordFile keeps them, read back by libfstrm.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "exporters/files/file_sink.h"
#include "tests/exporters/fstrm_reader.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string frame(const std::string& payload) {
  return std::string(3, '\0') + static_cast<char>(payload.size()) + payload;
}

struct FrameFileTest : testing::Test {
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "weir-frame-file-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    path = dir / "out.fstrm";
  }
  void TearDown() override { fs::remove_all(dir); }

  std::optional<FileSink> open(const FileRotation& rotation = {}) {
    auto file = RecordFile::open({.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path},
                                 frame_streams_framing(), rotation);
    error = file ? "" : file.error().message;
    if (!file) return std::nullopt;
    return FileSink(*file);
  }
  // Opens, writes and closes.
  void append(const std::vector<std::string>& payloads) {
    auto sink = open();
    ASSERT_TRUE(sink) << error;
    write(*sink, payloads);
  }
  void write(FileSink& sink, const std::vector<std::string>& payloads) {
    std::string records;
    for (const auto& payload : payloads) records += frame(payload);
    EXPECT_EQ(sink.write(records, 0, now), records.size());
  }
  static std::string bytes(const fs::path& from) {
    std::ifstream in(from, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void put(const fs::path& to, const std::string& bytes) {
    std::ofstream(to, std::ios::binary) << bytes;
  }
  static void expect_frames(const fs::path& from, const std::vector<std::string>& payloads) {
    FstrmReader reader(from);
    EXPECT_EQ(reader.all(), payloads);
    EXPECT_TRUE(reader.stopped());
  }

  fs::path dir;
  fs::path path;
  std::string error;
  Now now{.mono_ns = kNsPerSec, .wall_ns = 0};
};

TEST_F(FrameFileTest, IsAStreamFromStartToStop) {
  append({"one", "two"});
  expect_frames(path, {"one", "two"});
}

TEST_F(FrameFileTest, WithoutAFrameIsAStreamToo) {
  open();
  expect_frames(path, {});
}

TEST_F(FrameFileTest, GoesOnInTheStreamThatIsThere) {
  append({"one"});
  append({});
  append({"two", "three"});
  expect_frames(path, {"one", "two", "three"});
}

TEST_F(FrameFileTest, WhatAKilledWriterLeftIsCutBackAtAnyByte) {
  append({"one", "two"});
  const std::string whole = bytes(path);
  const size_t start = 42;
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    put(path, whole.substr(0, cut));
    append({"three"});
    std::vector<std::string> expected = {"three"};
    if (cut >= start + 2 * frame("two").size()) expected.insert(expected.begin(), "two");
    if (cut >= start + frame("one").size()) expected.insert(expected.begin(), "one");
    expect_frames(path, expected);
  }
}

TEST_F(FrameFileTest, SeveralStreamsInOneFileGoOnInTheLast) {
  append({"one"});
  const std::string first = bytes(path);
  put(path, first + first);
  append({"two"});
  EXPECT_EQ(bytes(path).size(), 2 * first.size() + frame("two").size());
  EXPECT_TRUE(bytes(path).starts_with(first));
}

TEST_F(FrameFileTest, RefusesWhatIsNoDnstapAndLeavesItAlone) {
  std::string other(std::string(frame_streams_framing().opening()));
  other.back() = '?';
  const std::string stop(frame_streams_framing().closing());
  const std::string start(frame_streams_framing().opening());
  for (const std::string& content :
       {std::string("{\"a\":1}\n"), std::string("{}\n"), other, stop, start + stop + frame("x"),
        start + std::string("\0\0\0\0\0\0\xff\xff", 8)}) {
    put(path, content);
    EXPECT_FALSE(open());
    EXPECT_NE(error.find("name another file"), std::string::npos) << error;
    EXPECT_EQ(bytes(path), content);
  }
}

TEST_F(FrameFileTest, EachRotatedFileIsAWholeStream) {
  {
    auto sink = open({.bytes = 10, .every_ms = 0});
    write(*sink, {"one", "two"});
    write(*sink, {"three", "four"});
    write(*sink, {"x"});
    expect_frames(dir / "out-19700101T000000Z.fstrm", {"one", "two"});
    expect_frames(dir / "out-19700101T000000Z-2.fstrm", {"three", "four"});
  }
  expect_frames(path, {"x"});
}

TEST_F(FrameFileTest, AFileThatCannotBeRenamedGoesOn) {
  path = dir / (std::string(240, 'n') + ".fstrm");  // no room for a time in the name
  {
    auto sink = open({.bytes = 10, .every_ms = 0});
    write(*sink, {"one", "two"});
    write(*sink, {"three", "four"});
    EXPECT_EQ(sink->faults(), 1U);
    EXPECT_TRUE(sink->up());
  }
  expect_frames(path, {"one", "two", "three", "four"});
}

TEST_F(FrameFileTest, AnEmptyStreamIsNotRotated) {
  { auto sink = open(); }
  auto sink = open({.bytes = 0, .every_ms = 1'000});
  now.wall_ns = 2 * read_clock().wall_ns;
  sink->poll(now);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
}

TEST_F(FrameFileTest, ReopeningEndsOneStreamAndBeginsAnother) {
  {
    auto sink = open();
    write(*sink, {"one"});
    sink->request_reopen();
    sink->poll(now);  // nobody moved it away
    write(*sink, {"two"});
    fs::rename(path, dir / "old.fstrm");
    sink->request_reopen();
    sink->poll(now);
    expect_frames(dir / "old.fstrm", {"one", "two"});
    write(*sink, {"three"});
  }
  expect_frames(path, {"three"});
}

TEST(FrameStreamsFraming, FindsTheStartOfAFrame) {
  const std::string records = frame("a") + frame("bb") + frame("ccc");
  for (size_t sent = 0; sent <= records.size(); ++sent) {
    const size_t start = frame_streams_framing().record_start(records, sent);
    EXPECT_EQ(start, sent < 5 ? 0U : sent < 11 ? 5U : sent < 18 ? 11U : 18U) << sent;
  }
}

TEST_F(FrameFileTest, AFifoGetsAStreamForEachReader) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto read_some = [](int fd) {
    char room[4096];
    const ssize_t n = ::read(fd, room, sizeof room);
    return std::string(room, n > 0 ? static_cast<size_t>(n) : 0);
  };
  const auto reader = [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); };
  int fd = reader();
  auto sink = open();
  ASSERT_TRUE(sink) << error;
  write(*sink, {"one"});
  EXPECT_EQ(read_some(fd), std::string(frame_streams_framing().opening()) + frame("one"));
  ::close(fd);
  EXPECT_EQ(sink->write(frame("two"), 0, now), 0U);
  fd = reader();
  now.mono_ns += kNsPerSec;
  write(*sink, {"two"});
  sink.reset();
  EXPECT_EQ(read_some(fd), std::string(frame_streams_framing().opening()) + frame("two") +
                               std::string(frame_streams_framing().closing()));
  ::close(fd);
}

}  // namespace
}  // namespace weir
