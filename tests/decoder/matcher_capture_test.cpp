// The matcher on real captures, read by the capture file reader.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/dns/wire_reader.h"
#include "dataplane/capture_file.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/decoder/mirrored.h"
#include "tests/test_data.h"

namespace weir {
namespace {

std::vector<CaughtFrame> frames_of(const std::filesystem::path& path) {
  auto source = ByteSource::open(path.string());
  if (!source.ok()) {
    ADD_FAILURE() << source.error().message;
    return {};
  }
  while ((*source)->window().size() < 4 && (*source)->fill(4) != ByteSource::Fill::end) {
  }
  auto reader = make_capture_reader((*source)->window(), path.string(), PacketOptions{}, 0);
  if (reader == nullptr) {
    ADD_FAILURE() << path << " is no capture";
    return {};
  }
  FrameCatcher catcher;
  InputCounters counters;
  while (reader->read(**source, Now{}, catcher.writer(), counters) != Poll::done) catcher.drain();
  while (!reader->finish(Now{}, catcher.writer(), counters)) catcher.drain();
  catcher.drain();
  return std::move(catcher.frames());
}

struct Matched {
  std::vector<std::string> lines;  // sorted, without the number of units
  size_t transactions = 0;
  size_t copies = 0;
};

Matched match(const std::vector<CaughtFrame>& frames) {
  KeptEvents kept;
  Matcher matcher({}, kept, 1);
  for (const CaughtFrame& frame : frames) {
    Frame head = frame.head;
    head.info_len = 0;  // the catcher keeps the payload alone
    EXPECT_TRUE(matcher.take(HeldFrame(head, frame.payload).frame()));
  }
  EXPECT_TRUE(matcher.flush());
  Matched matched;
  for (const auto& [drop, units] : kept.drops) matched.copies += units;
  uint64_t units = 0;
  for (const CaughtFrame& frame : frames) units += frame.head.units;
  EXPECT_EQ(kept.units + matched.copies, units);
  for (std::string line : kept.lines) {
    if (line.starts_with("TRANSACTION")) ++matched.transactions;
    const size_t units_at = line.rfind(" u");
    if (units_at != std::string::npos) line.resize(units_at);
    matched.lines.push_back(std::move(line));
  }
  std::sort(matched.lines.begin(), matched.lines.end());
  return matched;
}

// Queries for which there is a response from the other end with the same id, whatever the order.
size_t pairs_in(const std::vector<CaughtFrame>& frames) {
  const auto key = [](const Endpoint& client, const Endpoint& server, uint16_t id) {
    return to_string(client) + " " + to_string(server) + " " + std::to_string(id);
  };
  std::map<std::string, bool> queries;
  for (const bool responses : {false, true}) {
    for (const CaughtFrame& frame : frames) {
      const auto* p = reinterpret_cast<const uint8_t*>(frame.payload.data());
      if (frame.payload.size() < 12 || ((p[2] & 0x80U) != 0) != responses) continue;
      if (!responses) {
        queries.emplace(key(frame.head.src, frame.head.dst, load_be16(p)), false);
      } else if (auto found = queries.find(key(frame.head.dst, frame.head.src, load_be16(p)));
                 found != queries.end()) {
        found->second = true;
      }
    }
  }
  return static_cast<size_t>(
      std::count_if(queries.begin(), queries.end(), [](const auto& query) { return query.second; }));
}

TEST(MatcherCapture, EveryPairBecomesATransaction) {
  for (const char* name : {"variant-base", "variant-nanosecond", "variant-vlan-snap60"}) {
    const auto frames = frames_of(test_data(std::string("pcap/") + name + ".pcap"));
    ASSERT_GT(frames.size(), 100U) << name;
    EXPECT_EQ(match(frames).transactions, pairs_in(frames)) << name;
  }
}

TEST(MatcherCapture, PacketsTwiceGiveTransactionsOnce) {
  const auto once = frames_of(test_data("pcap/variant-base.pcap"));
  const auto twice = frames_of(test_data("pcap/variant-dup.pcap"));
  // What came over TCP or in fragments was put together once already.
  ASSERT_GT(twice.size(), once.size());
  const Matched expected = match(once);
  const Matched matched = match(twice);
  EXPECT_EQ(matched.lines, expected.lines);
  EXPECT_EQ(matched.transactions, expected.transactions);
  EXPECT_GT(matched.copies, 0U);
}

TEST(MatcherCapture, EveryPairOfTheWholeCorpus) {
  if (corpus_dir().empty()) GTEST_SKIP() << "no corpus: set WEIR_CORPUS to the directory with pcap/";
  for (const char* name :
       {"bind-clients", "bind-upstream-nano", "bindauth-auth", "dnsdist-backend-lo", "knot-auth",
        "recursor-any-sll", "recursor-upstream-snap96", "unbound-clients", "unbound-upstream"}) {
    const auto frames = frames_of(corpus_dir() / "pcap" / (std::string(name) + ".pcap"));
    ASSERT_GT(frames.size(), 500U) << name;
    EXPECT_EQ(match(frames).transactions, pairs_in(frames)) << name;
  }
}

}  // namespace
}  // namespace weir
