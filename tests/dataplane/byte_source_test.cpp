#include "dataplane/byte_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>

namespace weir {
namespace {

namespace fs = std::filesystem;
using Fill = ByteSource::Fill;

std::string numbers(size_t bytes) {
  std::string text;
  for (size_t i = 0; text.size() < bytes; ++i) text += std::to_string(i * 2654435761U % 1000003) + "\n";
  text.resize(bytes);
  return text;
}

std::string gzip(const std::string& plain) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, plain.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

class ByteSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir-source-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::unique_ptr<ByteSource> open_with(const std::string& bytes) {
    const std::string path = dir_ / "file";
    FILE* f = fopen(path.c_str(), "wb");
    fwrite(bytes.data(), 1, bytes.size(), f);
    fclose(f);
    auto source = ByteSource::open(path);
    EXPECT_TRUE(source.ok());
    return std::move(source).value();
  }

  // Reads to the end, consuming in pieces that leave a remainder each time.
  static std::string drain(ByteSource& source) {
    std::string all;
    Fill fill = Fill::more;
    while (fill == Fill::more) {
      fill = source.fill();
      auto window = source.window();
      const size_t n = fill == Fill::more ? window.size() * 9 / 10 : window.size();
      all.append(reinterpret_cast<const char*>(window.data()), n);
      source.consume(n);
    }
    return all;
  }

  fs::path dir_;
};

TEST_F(ByteSourceTest, PlainFileComesWholeAndKnowsItsSize) {
  const std::string text = numbers(1'000'003);
  auto source = open_with(text);
  EXPECT_EQ(source->size(), text.size());
  EXPECT_EQ(drain(*source), text);
  EXPECT_EQ(source->position(), text.size());
  EXPECT_EQ(source->consumed(), text.size());
  EXPECT_EQ(source->fault(), "");
}

TEST_F(ByteSourceTest, GzipIsToldByItsMagicAndMayHaveManyMembers) {
  const std::string text = numbers(1'500'000);
  const std::string packed = gzip(text) + gzip("") + gzip("tail") + std::string(300, '\0');
  auto source = open_with(packed);
  EXPECT_EQ(drain(*source), text + "tail");
  EXPECT_EQ(source->fault(), "");
  EXPECT_EQ(source->size(), packed.size());
  EXPECT_EQ(source->position(), packed.size());
}

TEST_F(ByteSourceTest, CutGzipGivesWhatIsThereAndSaysSo) {
  const std::string text = numbers(600'000);
  const std::string packed = gzip(text);
  auto source = open_with(packed.substr(0, packed.size() / 2));
  const std::string got = drain(*source);
  EXPECT_GT(got.size(), text.size() / 4);
  EXPECT_EQ(got, text.substr(0, got.size()));
  EXPECT_NE(source->fault().find("ends inside its gzip data"), std::string::npos);
}

TEST_F(ByteSourceTest, DamagedGzipIsAFault) {
  std::string packed = gzip(numbers(600'000));
  for (size_t i = 0; i < 40; ++i) packed[packed.size() / 2 + i] = '\x55';
  auto source = open_with(packed);
  drain(*source);
  EXPECT_NE(source->fault().find("damaged gzip data"), std::string::npos) << source->fault();

  auto trailing = open_with(gzip("x") + "not gzip");
  EXPECT_EQ(drain(*trailing), "x");
  EXPECT_NE(trailing->fault().find("damaged gzip data"), std::string::npos);
}

TEST_F(ByteSourceTest, WindowGrowsToWhatIsAsked) {
  const std::string text = numbers(900'000);
  auto source = open_with(text);
  while (source->window().size() < 800'000) ASSERT_EQ(source->fill(800'000), Fill::more);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(source->window().data()), 800'000),
            text.substr(0, 800'000));
}

TEST_F(ByteSourceTest, EmptyFileEndsAtOnce) {
  auto source = open_with("");
  EXPECT_EQ(source->fill(), Fill::end);
  EXPECT_EQ(source->fault(), "");
}

TEST_F(ByteSourceTest, ShortFilesThatLookLikeGzipAreKept) {
  auto one = open_with("\x1f");
  EXPECT_EQ(drain(*one), "\x1f");
  auto two = open_with("\x1f\x20");
  EXPECT_EQ(drain(*two), "\x1f\x20");
}

TEST_F(ByteSourceTest, FifoWaitsForWriterAndEndsWithIt) {
  const std::string path = dir_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  auto opened = ByteSource::open(path);
  ASSERT_TRUE(opened.ok());
  ByteSource& source = **opened;
  EXPECT_EQ(source.size(), 0U);
  EXPECT_EQ(source.fill(), Fill::wait);
  const int fd = open(path.c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(source.fill(), Fill::wait);
  // The gzip magic arrives one byte at a time.
  const std::string packed = gzip("hello");
  for (size_t i = 0; i < packed.size(); ++i) {
    ASSERT_EQ(write(fd, &packed[i], 1), 1);
    (void)source.fill();
  }
  EXPECT_EQ(source.fill(), Fill::wait);
  close(fd);
  EXPECT_EQ(source.fill(), Fill::end);
  EXPECT_EQ(std::string(source.window().begin(), source.window().end()), "hello");
  EXPECT_EQ(source.fault(), "");
}

TEST_F(ByteSourceTest, WhatCannotBeOpenedIsASentence) {
  EXPECT_NE(ByteSource::open(dir_ / "none").error().message.find("No such file"), std::string::npos);
  EXPECT_NE(ByteSource::open(dir_).error().message.find("is a directory"), std::string::npos);
}

}  // namespace
}  // namespace weir
