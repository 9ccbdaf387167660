#include "src/verify/verify.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace weir {
namespace {

constexpr const char* kLine =
    R"({"time":"2026-11-21T02:12:00.123456789Z","type":"CLIENT_RESPONSE","client_ip":"192.0.2.1","id":7,)"
    R"("rcode":"NOERROR","qname":"n0000000000.example.","seq":0,"lane":0})";

// The line with its number of the load and of its lane.
std::string numbered(unsigned number, unsigned lane = 0) {
  std::string line = kLine;
  std::string digits = std::to_string(number);
  line.replace(line.find("n0000000000") + 1, 10, std::string(10 - digits.size(), '0') + digits);
  line.replace(line.find("\"seq\":0"), 7, "\"seq\":" + digits);
  line.replace(line.find("\"lane\":0"), 8, "\"lane\":" + std::to_string(lane));
  return line;
}

class VerifyTest : public ::testing::Test {
 protected:
  ~VerifyTest() override { std::filesystem::remove(path_); }

  VerifyReport check(const std::string& text, VerifyOptions options = {}) {
    std::ofstream(path_, std::ios::binary) << text;
    options.files = {path_};
    return verify(options);
  }

  static std::string lines(unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) text += numbered(i) + "\n";
    return text;
  }

  std::string path_ =
      std::filesystem::temp_directory_path() / ("weir-verify-" + std::to_string(getpid()) + ".jsonl");
};

TEST_F(VerifyTest, SoundAndCompleteLinesAreGood) {
  const VerifyReport report = check(lines(100), {.files = {}, .from_zero = true, .expected = 100});
  EXPECT_TRUE(report.good()) << report_text(report);
  EXPECT_EQ(report.lines, 100U);
}

TEST_F(VerifyTest, GzipIsReadLikePlain) {
  const std::string text = lines(10);
  gzFile file = gzopen(path_.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  gzclose(file);
  VerifyOptions options{.files = {path_}, .expected = 10};
  EXPECT_TRUE(verify(options).good());
}

TEST_F(VerifyTest, AMissingLineIsFound) {
  std::string text = lines(50) + numbered(51) + "\n";
  const VerifyReport report = check(text, {.files = {}, .expected = 52});
  EXPECT_FALSE(report.good());
  EXPECT_EQ(report.sequence.missing, 1U);
  EXPECT_EQ(report.numbers.missing, 1U);
}

TEST_F(VerifyTest, ADuplicateIsFound) {
  const VerifyReport report = check(lines(50) + numbered(20) + "\n", {.files = {}, .expected = 50});
  EXPECT_FALSE(report.good());
  EXPECT_EQ(report.sequence.duplicates, 1U);
  EXPECT_EQ(report.numbers.duplicates, 1U);
}

TEST_F(VerifyTest, NamesLikeNumbersMeanNothingWithoutALoad) {
  std::string text = numbered(0) + "\n" + numbered(1) + "\n";
  for (const char* name : {"n0000000000", "n0000000001"}) text.replace(text.find(name), 11, "n9999999999");
  EXPECT_TRUE(check(text).good());
}

TEST_F(VerifyTest, ACutLineIsFound) {
  const VerifyReport report = check(lines(3) + R"({"time":"2026)");
  EXPECT_FALSE(report.good());
  EXPECT_EQ(report.cut_lines, 1U);
  EXPECT_EQ(report.lines, 3U);
}

TEST_F(VerifyTest, FaultyLinesAreFoundAndNamed) {
  const std::string good = numbered(0);
  for (const std::string& faulty : {
           std::string("not json"),  //
           std::string("[]"),        // not an object
           good + "}",               // more behind it
           std::string(R"({"type":"QUERY","query_time":"2026-11-21T02:12:00.123456789Z"})"),  // no time
           std::string(R"({"time":"2026-11-21T02:12:00.123456789Z"})"),                       // no type
           good.substr(0, good.size() - 1) + R"(,"colour":"blue"})",       // an unknown key
           good.substr(0, good.size() - 1) + R"(,"query_bytes":"many"})",  // an ill-typed value
           std::string(good).replace(good.find("NOERROR"), 1, "\xff"),     // not UTF-8
       }) {
    const VerifyReport report = check(good + "\n" + faulty + "\n");
    EXPECT_FALSE(report.good()) << faulty;
    EXPECT_EQ(report.faulty_lines(), 1U) << faulty;
    ASSERT_EQ(report.examples.size(), 1U) << faulty;
    EXPECT_NE(report.examples[0].find(":2: "), std::string::npos) << report.examples[0];
  }
}

// Blocks are checked side by side; the report is that of reading line by line.
TEST_F(VerifyTest, LongFilesAreReportedInTheirOrder) {
  constexpr unsigned kLines = 40'000;  // 7 MB
  std::string text;
  for (unsigned i = 0; i < kLines; ++i) text += i % 1000 == 999 ? "no line\n" : numbered(i, i % 3) + "\n";
  text += std::string(300'000, 'x') + "\n";  // longer than a block
  text += numbered(5, 2) + "\n";
  const VerifyReport report = check(text, {.files = {}, .expected = kLines, .examples = 41});
  EXPECT_EQ(report.lines, kLines + 2);
  EXPECT_EQ(report.bytes, text.size());
  EXPECT_EQ(report.faults[static_cast<size_t>(LineFault::not_json)], 41U);
  EXPECT_EQ(report.sequence.lanes, 3U);
  EXPECT_EQ(report.sequence.duplicates, 1U);
  EXPECT_EQ(report.numbers.numbers, kLines - 40);
  EXPECT_EQ(report.numbers.first_missing, 999U);
  EXPECT_EQ(report.numbers.duplicates, 1U);
  ASSERT_EQ(report.examples.size(), 41U);
  for (unsigned i = 0; i < 40; ++i) {
    const std::string line = ":" + std::to_string(1000 * (i + 1)) + ": ";
    EXPECT_NE(report.examples[i].find(line), std::string::npos) << report.examples[i];
  }
  EXPECT_NE(report.examples[40].find(":40001: "), std::string::npos) << report.examples[40];
}

TEST_F(VerifyTest, ALineWithoutAnEndIsGivenUp) {
  const VerifyReport report = check(std::string(65U << 20U, 'x'));
  EXPECT_FALSE(report.good());
  ASSERT_EQ(report.unreadable.size(), 1U);
  EXPECT_NE(report.unreadable[0].find("64 MiB"), std::string::npos) << report.unreadable[0];
}

TEST_F(VerifyTest, AFileThatCannotBeReadIsNotGood) {
  VerifyOptions options{.files = {"/nonexistent/lines.jsonl"}};
  const VerifyReport report = verify(options);
  EXPECT_FALSE(report.good());
  EXPECT_EQ(report.unreadable.size(), 1U);
}

}  // namespace
}  // namespace weir
