#include "exporters/capture/pcap_output.h"

#include <gtest/gtest.h>

#include "core/batch_writer.h"
#include "exporters/outputs.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

struct PcapOutputTest : testing::Test {
  void open(PcapOptions options) {
    options.delivery.to =
        Target{.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = folder.path() / "out.pcap"};
    options.format = CaptureFormat::pcap;
    auto opened = open_output(options, 0, {"tap"});
    ASSERT_TRUE(opened) << opened.error().message;
    output = std::move(*opened);
    output->read_from(ring);
  }
  // false: no room in the ring.
  bool push(std::string_view bytes, uint16_t link = 1, const Mark& mark = {}) {
    BatchWriter writer(ring, pool);
    uint8_t* room = writer.reserve(sizeof(CapturedPacket) + bytes.size(), now.mono_ns);
    if (room == nullptr) return false;
    auto* packet =
        new (room) CapturedPacket{.record_len = BatchWriter::padded(sizeof(CapturedPacket) + bytes.size()),
                                  .len = static_cast<uint32_t>(bytes.size()),
                                  .wire_len = static_cast<uint32_t>(bytes.size()),
                                  .link = link};
    std::memcpy(packet->bytes_start(), bytes.data(), bytes.size());
    writer.commit(packet->record_len, 1);
    if (mark && !writer.put(mark, now.mono_ns)) return false;
    return writer.flush();
  }
  void expect_even() {
    EXPECT_TRUE(output->balance().even());
    EXPECT_EQ(output->under_way() + output->counters().in_units.get(), ring.pushed());
  }
  uint64_t dropped(Drop reason) { return output->counters().drops.get(reason); }

  TempFolder folder;
  Ring ring{8, 16};
  BatchPool pool{16, 4096, 0, 0};
  Now now{.mono_ns = kNsPerSec, .wall_ns = kNsPerSec};
  std::unique_ptr<PcapOutput> output;
};

TEST_F(PcapOutputTest, WritesWhatComesOverItsRingAndNoEvents) {
  open({});
  ASSERT_TRUE(push("one"));
  ASSERT_TRUE(push("three"));
  Batch events;
  EXPECT_TRUE(output->take(events, now));
  EXPECT_EQ(output->under_way(), 2U);
  EXPECT_TRUE(output->poll(now));
  EXPECT_EQ(output->counters().backlog_events.get(), 2U);
  ring.close();
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 2U);
  expect_even();
  output.reset();
  EXPECT_EQ(folder.read("out.pcap").size(), 24U + 16 + 3 + 16 + 5);
}

TEST_F(PcapOutputTest, IsNotDrainedBeforeItsRingHasEnded) {
  open({});
  EXPECT_FALSE(output->drain(now));
  ASSERT_TRUE(push("late"));
  ring.close();
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 1U);
  expect_even();
}

TEST_F(PcapOutputTest, OtherLinkTypesAreCounted) {
  open({});
  ASSERT_TRUE(push("ethernet", 1));
  ASSERT_TRUE(push("raw", 101));
  ring.close();
  EXPECT_TRUE(output->drain(now));
  EXPECT_EQ(output->counters().written_events.get(), 1U);
  EXPECT_EQ(dropped(Drop::capture_link_type), 1U);
  expect_even();
}

TEST_F(PcapOutputTest, MarksArriveWhenTheCopiesBeforeThemAreWritten) {
  PcapOptions options;
  options.waiting.flush_ms = 100;
  open(options);
  Counter arrived;
  ASSERT_TRUE(push("one", 1, {.arrived = &arrived, .number = 5}));
  output->poll(now);
  output->poll(now);
  EXPECT_EQ(arrived.get(), 0U);
  now.mono_ns += 100 * kNsPerMs;
  output->poll(now);
  output->poll(now);
  EXPECT_EQ(arrived.get(), 5U);
}

TEST_F(PcapOutputTest, AbandonCountsWhatIsInTheRingAndTheBacklog) {
  open({});
  ASSERT_TRUE(push("one"));
  output->poll(now);
  ASSERT_TRUE(push("two"));
  output->abandon();
  EXPECT_EQ(dropped(Drop::output_shutdown), 2U);
  EXPECT_EQ(output->under_way(), 0U);
  expect_even();
}

}  // namespace
}  // namespace weir
