// Nothing that Weir writes is a fault to `weir verify`: all of tests/data, and the corpus where there is one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "decoder/dns_message.h"
#include "decoder/dnstap.h"
#include "exporters/json/json_format.h"
#include "src/config/config.h"
#include "src/run_street.h"
#include "src/verify/line_reader.h"
#include "src/verify/verify.h"
#include "tests/exporters/test_event.h"
#include "tests/fstrm_payloads.h"

namespace weir {
namespace {

// Of dnstap payloads, damaged ones too.
class PayloadLines {
 public:
  // Empty: the payload has no line, for it is counted instead.
  std::string_view line_of(std::span<const uint8_t> payload) {
    TestEvent event;
    event.bytes.assign(payload.begin(), payload.end());
    if (walk_dnstap(payload, event.head) != DnstapResult::ok) return {};
    for (DnsMessage* message : {&event.head.query, &event.head.response})
      if (message->wire.present())
        walk_dns_message(payload.subspan(message->wire.off, message->wire.len), *message);
    const TestBatch batch{event};
    const char* end = format_.write(batch.event(), 0, room_.get());
    return {room_.get(), static_cast<size_t>(end - room_.get() - 1)};
  }

 private:
  static JsonFields all() {
    JsonFields fields;
    fields.authority = fields.additional = fields.sequence = true;
    return fields;
  }

  JsonFormat format_{all(), {"dnstap"}, 0};
  std::unique_ptr<char[]> room_ = std::make_unique<char[]>(kMaxLineBytes + LineBlock::kPadding);
};

TEST(RealLines, OfDnstapPayloadsAreSound) {
  std::vector<std::filesystem::path> files = files_below(test_data(), ".fstrm");
  if (const auto corpus = corpus_dir(); !corpus.empty()) {
    const auto more = files_below(corpus, ".fstrm");
    files.insert(files.end(), more.begin(), more.end());
  }
  PayloadLines lines;
  LineChecker checker(false);
  size_t sound = 0;
  for (const auto& file : files) {
    const auto payloads = fstrm_payloads(file);
    // All of small files, a part of large ones.
    const size_t step = payloads.size() / 1'000 + 1;
    for (size_t i = 0; i < payloads.size(); i += step) {
      const std::string_view line = lines.line_of(payloads[i]);
      if (line.empty()) continue;
      const LineFault fault = checker.check(line);
      ASSERT_EQ(fault, LineFault::none)
          << file << ": " << to_string(fault) << ": " << checker.detail() << "\n"
          << line;
      ++sound;
    }
  }
  EXPECT_GT(sound, 1'000U);
}

// What `weir decode` does: dnstap files and captures, all keys, numbered from 0.
TEST(RealLines, OfDecodedFilesAreSoundAndComplete) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("weir-real-lines-" + std::to_string(getpid()) + ".jsonl");
  FileOptions input;
  for (const char* folder : {"dnstap", "pcap"}) {
    for (const auto& file : std::filesystem::directory_iterator(test_data(folder)))
      if (file.is_regular_file()) input.paths.push_back(file.path());
  }
  JsonOptions output;
  output.delivery.to = Target{.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path};
  output.waiting.when_full = WhenFull::block;
  output.json.authority = output.json.additional = output.json.sequence = true;
  Config config;
  config.inputs = {input};
  config.outputs = {output};
  config.log_level = "off";
  ASSERT_EQ(run_street(config,
                       {.stats_path = {}, .print_balance = false, .give_up_when_stuck = true, .eal = false}),
            kExitDone);
  const VerifyReport report = verify({.files = {path}, .from_zero = true});
  std::filesystem::remove(path);
  EXPECT_TRUE(report.good()) << report_text(report);
  EXPECT_GT(report.lines, 2'000U);
}

}  // namespace
}  // namespace weir
