#include "dataplane/directory_input.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <thread>

#include "core/clock.h"
#include "core/mark.h"
#include "tests/fstrm_payloads.h"
#include "tests/temp_folder.h"
#include "tests/test_data.h"

namespace weir {
namespace {

constexpr unsigned kShards = 2;

struct Values : MetricVisitor {
  void counter(std::string_view name, std::string_view, const Labels& labels, double value) override {
    std::string key(name.substr(15));
    for (const Label& label : labels)
      if (label.key == "result") key += " " + label.value;
    all[key] = value;
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    counter(name, help, labels, value);
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
  std::map<std::string, double> all;
};

// The input, and the rest of the street: takes frames, and lets marks arrive when it is told to.
struct DirectoryInputTest : testing::Test {
  DirectoryInputTest() {
    options.path = folder.path();
    options.after = "delete";
    options.quiet_ms = 100;
    std::vector<Ring*> out;
    for (auto& ring : rings) out.push_back(&ring);
    writer = std::make_unique<FrameWriter>(out, pool);
  }
  ~DirectoryInputTest() override {
    if (input != nullptr) input->abandon();
  }
  void open() {
    auto opened = open_directory(options, 3, 2, kShards);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    input = std::move(opened->front());
  }
  std::string refusal() {
    auto opened = open_directory(options, 3, 2, kShards);
    return opened ? "" : opened.error().message;
  }
  void turn() {
    const Now now = read_clock();
    last = input->poll(now, *writer);
    writer->end_burst(now);
    for (auto& ring : rings) {
      while (Batch* batch = ring.pop()) {
        frames += batch->records;
        if (batch->mark) waiting.push_back(batch->mark);
        flushes += batch->mark.flush ? 1 : 0;
        ring.release(batch);
      }
    }
    if (last == Poll::idle) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!lines_are_out) return;
    for (const Mark& mark : waiting) mark.arrived->set(mark.number);
    waiting.clear();
  }
  bool turn_until(const std::function<bool()>& done) {
    for (const uint64_t end = read_clock().mono_ns + 10 * kNsPerSec; !done(); turn())
      if (read_clock().mono_ns > end) return false;
    return true;
  }
  double value(const std::string& name) {
    Values values;
    input->describe(values);
    return values.all.at(name);
  }
  void put(const std::string& name, const std::string& from) {
    std::filesystem::copy_file(test_data(from), folder.path() / ("." + name));
    std::filesystem::rename(folder.path() / ("." + name), folder.path() / name);
  }

  TempFolder folder;
  DirectoryOptions options;
  BatchPool pool{64, 64U << 10U, 4, 1U << 21U};
  std::array<Ring, kShards> rings{Ring{16, 80}, Ring{16, 80}};
  std::unique_ptr<FrameWriter> writer;
  std::unique_ptr<Input> input;
  bool lines_are_out = true;
  std::vector<Mark> waiting;
  uint64_t frames = 0;
  uint64_t flushes = 0;
  Poll last = Poll::idle;
};

TEST_F(DirectoryInputTest, AFileIsTouchedWhenItsLinesAreOut) {
  lines_are_out = false;
  open();
  EXPECT_EQ(input->lcore(), 1U);
  put("a.fstrm", "dnstap/kdig-tool.fstrm");
  ASSERT_TRUE(turn_until([&] { return value("unsettled_files") == 1; }));
  EXPECT_EQ(frames, fstrm_payloads(test_data("dnstap/kdig-tool.fstrm")).size());
  EXPECT_EQ(input->counters().bytes.get(), std::filesystem::file_size(test_data("dnstap/kdig-tool.fstrm")));
  ASSERT_TRUE(turn_until([&] { return flushes == kShards; })) << "the directory was quiet";
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_TRUE(folder.has("a.fstrm"));
  lines_are_out = true;
  ASSERT_TRUE(turn_until([&] { return value("files_total done") == 1; }));
  ASSERT_TRUE(turn_until([&] { return !folder.has("a.fstrm"); }));
}

TEST_F(DirectoryInputTest, AStopLeavesWhatIsNotReadWhole) {
  options.after = "keep";
  put("a.fstrm", "dnstap/kdig-one.fstrm");
  open();
  ASSERT_TRUE(turn_until([&] { return value("files_total done") == 1; }));
  put("b.fstrm", "dnstap/kdig-tool.fstrm");
  ASSERT_TRUE(turn_until([&] { return input->counters().frames.get() > 2; }));
  input->stop(read_clock());
  ASSERT_TRUE(turn_until([&] { return last == Poll::done; }));
  input->abandon();
  input.reset();
  frames = 0;
  open();
  ASSERT_TRUE(turn_until([&] { return value("files_total done") == 1; }));
  EXPECT_EQ(frames, fstrm_payloads(test_data("dnstap/kdig-tool.fstrm")).size()) << "whole, and not the first";
}

TEST_F(DirectoryInputTest, WhatIsOutAtTheEndIsSettledByAbandon) {
  lines_are_out = false;
  open();
  put("a.fstrm", "dnstap/kdig-one.fstrm");
  ASSERT_TRUE(turn_until([&] { return value("unsettled_files") == 1 && waiting.size() >= kShards; }));
  input->stop(read_clock());
  ASSERT_TRUE(turn_until([&] { return last == Poll::done; }));
  for (const Mark& mark : waiting) mark.arrived->set(mark.number);
  input->abandon();
  EXPECT_FALSE(folder.has("a.fstrm"));
  EXPECT_EQ(value("files_total done"), 1);
}

TEST_F(DirectoryInputTest, BadFilesAreSetAside) {
  open();
  put("cut.fstrm", "malformed/fstrm/data-cut-20.fstrm");
  put("text.pcap", "README.md");
  ASSERT_TRUE(turn_until([&] { return value("files_total failed") == 2; }));
  const auto says = [this](const char* file, const char* what) {
    return folder.has(file) && folder.read(file).find(what) != std::string::npos;
  };
  EXPECT_TRUE(turn_until([&] { return says("failed/text.pcap.reason", "is neither a dnstap file"); }));
  EXPECT_TRUE(turn_until([&] { return says("failed/cut.fstrm.reason", "ends inside a frame"); }));
}

TEST_F(DirectoryInputTest, AFileThatIsRenamedWhileItIsReadIsActedOn) {
  options.rescan_ms = 3'600'000;
  lines_are_out = false;
  open();
  put("a.fstrm", "dnstap/kdig-one.fstrm");
  ASSERT_TRUE(turn_until([&] { return value("unsettled_files") == 1; }));
  std::filesystem::rename(folder.path() / "a.fstrm", folder.path() / "b.fstrm");
  std::filesystem::rename(folder.path() / "b.fstrm", folder.path() / "c.fstrm");
  for (int i = 0; i < 100; ++i) turn();
  lines_are_out = true;
  ASSERT_TRUE(turn_until([&] { return value("files_total done") == 1; }));
  ASSERT_TRUE(turn_until([&] { return !folder.has("c.fstrm"); }));
  EXPECT_EQ(frames, fstrm_payloads(test_data("dnstap/kdig-one.fstrm")).size());
}

TEST_F(DirectoryInputTest, AFileThatChangesWhileItIsReadIsTakenAgain) {
  lines_are_out = false;
  open();
  put("a.fstrm", "dnstap/kdig-one.fstrm");
  ASSERT_TRUE(turn_until([&] { return value("unsettled_files") == 1; }));
  std::filesystem::copy_file(test_data("dnstap/kdig-tool.fstrm"), folder.path() / "a.fstrm",
                             std::filesystem::copy_options::overwrite_existing);
  lines_are_out = true;
  ASSERT_TRUE(turn_until([&] { return value("files_total done") == 1; }));
  EXPECT_EQ(value("files_total changed"), 1);
  EXPECT_EQ(frames, fstrm_payloads(test_data("dnstap/kdig-one.fstrm")).size() +
                        fstrm_payloads(test_data("dnstap/kdig-tool.fstrm")).size());
}

TEST_F(DirectoryInputTest, WaitsForADirectoryThatIsNotThere) {
  options.path = folder.path() / "later";
  open();
  EXPECT_EQ(value("up"), 0);
  std::filesystem::create_directory(options.path);
  ASSERT_TRUE(turn_until([&] { return value("up") == 1; }));
}

TEST_F(DirectoryInputTest, WhatCannotWorkIsRefused) {
  options.after = "move:/proc";
  EXPECT_NE(refusal().find("directory: after: '/proc' is on another file system"), std::string::npos);
  options.after = "keep";
  options.state = "/proc/weir-state";
  EXPECT_NE(refusal().find("state: cannot write"), std::string::npos);
  options.path = folder.write("file", "");
  EXPECT_NE(refusal().find("path: cannot open"), std::string::npos);
}

}  // namespace
}  // namespace weir
