#include "exporters/files/file_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace weir {
namespace {

namespace fs = std::filesystem;

Target file_target(const fs::path& path) {
  return {.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path};
}

struct FileSinkTest : testing::Test {
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "weir-file-sink-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    path = dir / "lines";
  }
  void TearDown() override { fs::remove_all(dir); }

  FileSink open(const FileRotation& rotation = {}) {
    auto file = RecordFile::open(file_target(path), line_framing(), rotation);
    EXPECT_TRUE(file.ok()) << file.error().message;
    return FileSink(*file);
  }
  static std::string read(const fs::path& from) {
    std::ifstream in(from, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  fs::path dir;
  fs::path path;
  Now now{.mono_ns = kNsPerSec, .wall_ns = 0};
};

TEST_F(FileSinkTest, CreatesTheFileForOwnerAndGroupAndAppends) {
  const mode_t mask = umask(0);
  FileSink sink = open();
  umask(mask);
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  struct stat st {};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0640U);
  FileSink second = open();
  EXPECT_EQ(second.write("two\n", 0, now), 4U);
  EXPECT_EQ(sink.write("three\n", 0, now), 6U);
  EXPECT_EQ(read(path), "one\ntwo\nthree\n");
}

TEST_F(FileSinkTest, AFullFileIsRenamedAndLinesGoOnInANewOne) {
  FileSink sink = open({.bytes = 8, .every_ms = 0});
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  EXPECT_EQ(sink.write("two\n", 0, now), 4U);
  EXPECT_EQ(read(path), "");
  EXPECT_EQ(sink.write("three\nfour\n", 0, now), 11U);
  EXPECT_EQ(read(dir / "lines-19700101T000000Z"), "one\ntwo\n");
  EXPECT_EQ(read(dir / "lines-19700101T000000Z-2"), "three\nfour\n");
}

TEST_F(FileSinkTest, AFileIsRenamedWhenItsTimeIsOverThoughNothingComes) {
  FileSink sink = open({.bytes = 0, .every_ms = 60'000});
  now.wall_ns = 30 * kNsPerSec;
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  now.wall_ns = 59 * kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(read(path), "one\n");
  now.wall_ns = 61 * kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(read(dir / "lines-19700101T000101Z"), "one\n");
  EXPECT_EQ(read(path), "");
  now.wall_ns = 200 * kNsPerSec;
  sink.poll(now);
  EXPECT_TRUE(fs::exists(path)) << "an empty file stays";
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 2);
}

TEST_F(FileSinkTest, EachTimeHasAFileOfItsName) {
  path = dir / "lines-%H%M";
  FileSink sink = open({.bytes = 8, .every_ms = 60'000});
  now.wall_ns = 59 * kNsPerSec;
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1) << "the empty file of before is gone";
  now.wall_ns = 61 * kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(read(dir / "lines-0000"), "one\n");
  EXPECT_TRUE(fs::exists(dir / "lines-0001"));
  now.wall_ns = 200 * kNsPerSec;
  EXPECT_EQ(sink.write("two\n", 0, now), 4U);
  EXPECT_FALSE(fs::exists(dir / "lines-0001")) << "nothing came in that minute";
  EXPECT_EQ(sink.write("three\n", 0, now), 6U);
  EXPECT_EQ(read(dir / "lines-0003-19700101T000320Z"), "two\nthree\n");
  EXPECT_EQ(sink.write("four\n", 0, now), 5U);
  EXPECT_EQ(read(dir / "lines-0003"), "four\n");
}

TEST_F(FileSinkTest, AFileOfAnEarlierRunIsRenamedWhenItsTimeIsOver) {
  std::ofstream(path) << "old\n";
  FileSink sink = open({.bytes = 0, .every_ms = 60'000});
  now.wall_ns = read_clock().wall_ns + 61 * kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(read(path), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 2);
}

TEST_F(FileSinkTest, WhatSomeoneElseMovedAwayIsNotRenamedAgain) {
  FileSink sink = open({.bytes = 8, .every_ms = 0});
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  fs::rename(path, dir / "theirs");
  EXPECT_EQ(sink.write("two\n", 0, now), 4U);
  EXPECT_EQ(sink.write("new\n", 0, now), 4U);
  EXPECT_EQ(read(dir / "theirs"), "one\ntwo\n");
  EXPECT_EQ(read(path), "new\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 2);
}

TEST_F(FileSinkTest, EndsALineThatSomeoneElseLeftCut) {
  std::ofstream(path) << "whole\nhal";
  FileSink sink = open();
  EXPECT_EQ(sink.write("next\n", 0, now), 5U);
  EXPECT_EQ(read(path), "whole\nhal\nnext\n");
}

TEST_F(FileSinkTest, SaysWhatIsWrongWithAPath) {
  const auto message = [](const fs::path& bad) {
    auto file = RecordFile::open(file_target(bad));
    return file.ok() ? std::string() : file.error().message;
  };
  EXPECT_NE(message(dir).find("is a directory"), std::string::npos);
  EXPECT_NE(message(dir / "no" / "file").find("make its directory"), std::string::npos);
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_NE(message(dir / "fifo").find("nobody reads"), std::string::npos);
  if (geteuid() != 0) {
    std::ofstream(dir / "locked") << "";
    fs::permissions(dir / "locked", fs::perms::none);
    EXPECT_NE(message(dir / "locked").find("cannot be written"), std::string::npos);
  }
}

TEST_F(FileSinkTest, ReopensAfterRotation) {
  FileSink sink = open();
  EXPECT_EQ(sink.write("old\n", 0, now), 4U);
  fs::rename(path, dir / "lines.1");
  EXPECT_EQ(sink.write("still old\n", 0, now), 10U);
  sink.request_reopen();
  sink.poll(now);
  EXPECT_EQ(sink.write("new\n", 0, now), 4U);
  EXPECT_EQ(read(dir / "lines.1"), "old\nstill old\n");
  EXPECT_EQ(read(path), "new\n");
}

TEST_F(FileSinkTest, KeepsTheOldFileWhenTheNewOneCannotBeOpened) {
  FileSink sink = open();
  fs::rename(path, dir / "lines.1");
  fs::create_directory(path);
  sink.request_reopen();
  sink.poll(now);
  EXPECT_EQ(sink.faults(), 1U);
  EXPECT_EQ(sink.write("kept\n", 0, now), 5U);
  now.mono_ns += kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(sink.faults(), 2U);
  EXPECT_EQ(sink.write("too\n", 0, now), 4U);
  EXPECT_TRUE(sink.up());
  EXPECT_EQ(read(dir / "lines.1"), "kept\ntoo\n");
  fs::remove(path);
  now.mono_ns += kNsPerSec;
  sink.poll(now);
  EXPECT_EQ(sink.write("new\n", 0, now), 4U);
  EXPECT_EQ(read(path), "new\n");
}

TEST_F(FileSinkTest, AFullDiskIsAStateThatEnds) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  auto file = RecordFile::open(file_target("/dev/full"));
  ASSERT_TRUE(file.ok());
  FileSink sink(*file);
  EXPECT_TRUE(sink.up());
  EXPECT_EQ(sink.write("one\n", 0, now), 0U);
  EXPECT_FALSE(sink.up());
  EXPECT_EQ(sink.faults(), 1U);
  EXPECT_EQ(sink.write("one\n", 0, now), 0U);
  EXPECT_EQ(sink.faults(), 1U) << "tried again before its time";
  now.mono_ns += kNsPerSec;
  EXPECT_EQ(sink.write("one\n", 0, now), 0U);
  EXPECT_EQ(sink.faults(), 2U);
  EXPECT_TRUE(sink.ended().empty());
}

// A limit on file sizes cuts a write as a full disk does, and needs no root.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &saved_);
    const rlimit limit{bytes, saved_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &saved_); }

 private:
  rlimit saved_{};
};

TEST_F(FileSinkTest, ACutLineIsFinishedBeforeAnyoneElseWrites) {
  auto file = RecordFile::open(file_target(path));
  ASSERT_TRUE(file.ok());
  FileSink a(*file);
  FileSink b(*file);
  const std::string lines = "one\ntwo\nthree\n";
  size_t sent = 0;
  {
    const FileSizeLimit limit(6);
    sent = a.write(lines, sent, now);
    EXPECT_EQ(sent, 6U);
    EXPECT_FALSE(a.up());
  }
  now.mono_ns += kNsPerSec;
  EXPECT_EQ(b.write("b\n", 0, now), 0U) << "wrote behind a cut line";
  EXPECT_EQ(a.write(lines, sent, now), lines.size());
  EXPECT_TRUE(a.up());
  EXPECT_EQ(b.write("b\n", 0, now), 2U);
  EXPECT_EQ(read(path), lines + "b\n");
}

TEST_F(FileSinkTest, ACutLineIsTakenBackWhenItsWriterGivesUpOrTheFileIsReopened) {
  auto file = RecordFile::open(file_target(path));
  ASSERT_TRUE(file.ok());
  FileSink a(*file);
  const std::string lines = "one\ntwo\n";
  size_t sent = 0;
  {
    const FileSizeLimit limit(6);
    sent = a.write(lines, sent, now);
  }
  fs::rename(path, dir / "lines.1");
  a.request_reopen();
  now.mono_ns += kNsPerSec;
  a.poll(now);
  {
    const FileSizeLimit limit(3);
    sent = a.write(lines, sent, now);
    EXPECT_EQ(sent, 4U + 3U) << "the cut line did not start anew";
  }
  EXPECT_EQ(read(dir / "lines.1"), "one\n");
  EXPECT_EQ(read(path), "two");
  a.abandon(lines, sent);
  EXPECT_EQ(read(path), "");
}

TEST_F(FileSinkTest, AFullFifoIsLeftToItsWriterUntilTheLineIsWhole) {
  const fs::path fifo = dir / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto file = RecordFile::open(file_target(fifo));
  ASSERT_TRUE(file.ok());
  FileSink a(*file);
  FileSink b(*file);
  const std::string big = "x" + std::string(3U << 19U, 'a') + "\n";
  const size_t part = a.write(big, 0, now);
  ASSERT_GT(part, 0U);
  ASSERT_LT(part, big.size());
  EXPECT_EQ(b.write("b\n", 0, now), 0U) << "wrote behind a cut line";
  std::string got;
  size_t sent = part;
  char room[65536];
  size_t second_sent = 0;
  while (got.size() < big.size() + 2) {
    const ssize_t n = ::read(reader, room, sizeof room);
    if (n > 0) got.append(room, static_cast<size_t>(n));
    sent = a.write(big, sent, now);
    if (sent == big.size() && second_sent == 0) second_sent = b.write("b\n", 0, now);
  }
  EXPECT_EQ(got, big + "b\n");
  ::close(reader);
}

TEST_F(FileSinkTest, AFifoWhoseReaderWentAwayIsTriedAgainAndTheLineStartsAnew) {
  const fs::path fifo = dir / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto file = RecordFile::open(file_target(fifo));
  ASSERT_TRUE(file.ok());
  FileSink sink(*file);
  const std::string lines = "one\n" + std::string(3U << 19U, 'a') + "\n";
  const size_t part = sink.write(lines, 0, now);
  ASSERT_GT(part, 4U);
  ::close(reader);
  EXPECT_EQ(sink.write(lines, part, now), part);
  EXPECT_FALSE(sink.up());
  reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  now.mono_ns += kNsPerSec;
  const size_t again = sink.write(lines, part, now);
  char first = 0;
  ASSERT_EQ(::read(reader, &first, 1), 1);
  EXPECT_EQ(first, 'a');
  EXPECT_GT(again, 4U);
  ::close(reader);
}

TEST_F(FileSinkTest, LinesOfSeveralLcoresNeverMix) {
  const fs::path fifo = dir / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto file = RecordFile::open(file_target(fifo));
  ASSERT_TRUE(file.ok());
  constexpr int kLines = 500;
  const auto writer = [&](char letter) {
    FileSink sink(*file);
    const std::string block = std::string(3'000, letter) + "\n" + std::string(5'000, letter) + "\n";
    for (int i = 0; i < kLines; i += 2) {
      for (size_t sent = 0; sent < block.size();) {
        sent = sink.write(block, sent, {});
        if (sent < block.size()) std::this_thread::yield();
      }
    }
  };
  std::thread a(writer, 'a');
  std::thread b(writer, 'b');
  std::string got;
  char room[3'000];
  for (int64_t seen = 0; seen < 2 * kLines;) {
    const ssize_t n = ::read(reader, room, sizeof room);
    if (n <= 0) continue;
    got.append(room, static_cast<size_t>(n));
    seen += std::count(room, room + n, '\n');
  }
  a.join();
  b.join();
  ::close(reader);
  std::stringstream lines(got);
  int counts[2] = {0, 0};
  for (std::string line; std::getline(lines, line);) {
    ASSERT_EQ(line, std::string(line.size(), line[0]));
    ASSERT_TRUE(line.size() == 3'000 || line.size() == 5'000) << line.size();
    ++counts[line[0] - 'a'];
  }
  EXPECT_EQ(counts[0], kLines);
  EXPECT_EQ(counts[1], kLines);
}

// Runs with a descriptor in place of standard output.
class WithStdout {
 public:
  explicit WithStdout(int fd) : saved_(dup(STDOUT_FILENO)) { dup2(fd, STDOUT_FILENO); }
  ~WithStdout() {
    dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

TEST_F(FileSinkTest, AClosedStdoutPipeEndsTheOutputWithASentence) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::shared_ptr<RecordFile> file;
  {
    const WithStdout replaced(ends[1]);
    auto opened = RecordFile::open({.scheme = Target::Scheme::stdio, .host = {}, .port = 0, .path = {}});
    ASSERT_TRUE(opened.ok());
    file = *opened;
  }
  ::close(ends[1]);
  FileSink sink(file);
  EXPECT_EQ(sink.write("one\n", 0, now), 4U);
  EXPECT_TRUE(sink.ended().empty());
  ::close(ends[0]);
  EXPECT_EQ(sink.write("two\n", 0, now), 0U);
  EXPECT_NE(sink.ended().find("closed by its reader"), std::string::npos);
  EXPECT_FALSE(sink.up());
}

TEST_F(FileSinkTest, AFullStdoutPipeDoesNotHoldTheLcore) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const WithStdout replaced(ends[1]);
  auto opened = RecordFile::open({.scheme = Target::Scheme::stdio, .host = {}, .port = 0, .path = {}});
  ASSERT_TRUE(opened.ok());
  FileSink sink(*opened);
  const std::string big = std::string(3U << 19U, 'a') + "\n";
  const size_t part = sink.write(big, 0, now);
  EXPECT_LT(part, big.size());
  EXPECT_EQ(sink.write(big, part, now), part);
  EXPECT_EQ(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0) << "changed the description that others share";
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace weir
