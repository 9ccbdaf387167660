#include "dataplane/dnstap_intake.h"

#include <gtest/gtest.h>

#include <set>

#include "core/net/frame_streams.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/test_data.h"

namespace weir {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes field(uint8_t number, const Bytes& value) {
  Bytes out = {static_cast<uint8_t>(number << 3U | 2U), static_cast<uint8_t>(value.size())};
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

Bytes port_field(uint32_t port) {
  Bytes out = {6U << 3U};
  for (; port >= 0x80; port >>= 7U) out.push_back(static_cast<uint8_t>(port | 0x80U));
  out.push_back(static_cast<uint8_t>(port));
  return out;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Bytes kIdentity = field(1, {'n', 's'});
const Bytes kType = {1U << 3U, 5};

TEST(DnstapClientHash, DependsOnAddressAndPortOnly) {
  uint32_t query = 0;
  uint32_t response = 0;
  uint32_t other = 0;
  const Bytes addr = field(4, {192, 0, 2, 1});
  ASSERT_TRUE(dnstap_client_hash(kIdentity + field(14, kType + addr + port_field(40000)), query));
  // Another field order, as some senders write it, and a payload.
  ASSERT_TRUE(dnstap_client_hash(
      field(14, port_field(40000) + field(14, {1, 2, 3}) + addr + kType) + kIdentity, response));
  EXPECT_EQ(query, response);
  ASSERT_TRUE(dnstap_client_hash(field(14, kType + addr + port_field(40001)), other));
  EXPECT_NE(query, other);
  ASSERT_TRUE(dnstap_client_hash(field(14, kType + field(4, {192, 0, 2, 2}) + port_field(40000)), other));
  EXPECT_NE(query, other);
}

TEST(DnstapClientHash, NothingToHash) {
  uint32_t hash = 0;
  const Bytes addr = field(4, {192, 0, 2, 1});
  EXPECT_FALSE(dnstap_client_hash({}, hash));
  EXPECT_FALSE(dnstap_client_hash(kIdentity, hash));
  EXPECT_FALSE(dnstap_client_hash(field(14, kType), hash));
  EXPECT_FALSE(dnstap_client_hash(field(14, kType + field(4, {})), hash));
  EXPECT_FALSE(dnstap_client_hash(Bytes(20, 0xff), hash));
  // Every cut of a message: no read past its end (the sanitizers look), and no address before it is there.
  const Bytes whole = kIdentity + field(14, kType + addr + port_field(40000));
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(dnstap_client_hash(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n)), hash));
}

TEST(DnstapIdHash, DependsOnTheIdOfTheDnsMessageOnly) {
  uint32_t query = 0;
  uint32_t response = 0;
  uint32_t other = 0;
  ASSERT_TRUE(dnstap_id_hash(kIdentity + field(14, kType + field(10, {0x12, 0x34, 1, 0})), query));
  ASSERT_TRUE(dnstap_id_hash(field(14, field(14, {0x12, 0x34, 0x81}) + kType), response));
  EXPECT_EQ(query, response);
  ASSERT_TRUE(dnstap_id_hash(field(14, kType + field(10, {0x12, 0x35})), other));
  EXPECT_NE(query, other);
  EXPECT_FALSE(dnstap_id_hash({}, other));
  EXPECT_FALSE(dnstap_id_hash(field(14, kType), other));
  EXPECT_FALSE(dnstap_id_hash(field(14, kType + field(10, {0x12})), other));
  EXPECT_FALSE(dnstap_id_hash(field(14, {10U << 3U, 1, 10U << 3U | 2U, 9, 1}), other));  // a varint; a cut
}

// The shards of frames without a query_address, in the order of taking.
std::vector<size_t> shards_of(const DnstapIntake::Options& options, const std::vector<Bytes>& payloads) {
  FrameCatcher sink(4);
  DnstapIntake intake(0, options);
  InputCounters counters;
  std::vector<size_t> shards;
  for (const Bytes& payload : payloads) {
    EXPECT_TRUE(intake.take(payload, {}, {.mono_ns = 7}, sink.writer(), counters));
    sink.drain();
    shards.push_back(sink.frames().back().shard);
  }
  return shards;
}

TEST(DnstapIntake, WithoutAClientPartnersMeetById) {
  std::vector<Bytes> payloads;
  for (uint8_t id = 0; id < 100; ++id) {
    payloads.push_back(field(14, kType + field(10, {id, 7, 1})));
    payloads.push_back(field(14, kType + field(14, {id, 7, 0x81})));
  }
  const std::vector<size_t> shards = shards_of({.pair = true}, payloads);
  ASSERT_EQ(shards.size(), payloads.size());
  for (size_t i = 0; i < shards.size(); i += 2) EXPECT_EQ(shards[i], shards[i + 1]) << i;
  EXPECT_EQ(std::set<size_t>(shards.begin(), shards.end()).size(), 4U);
  // Without pairing they go round.
  EXPECT_EQ(shards_of({}, {payloads[0], payloads[0], payloads[0]}), (std::vector<size_t>{0, 1, 2}));
}

TEST(DnstapIntake, FramesSayWhatTheyAre) {
  for (const bool on : {false, true}) {
    FrameCatcher sink(1);
    DnstapIntake intake(3, {.live = on, .pair = on});
    InputCounters counters;
    ASSERT_TRUE(intake.take(kIdentity, {}, {.mono_ns = 7}, sink.writer(), counters));
    sink.drain();
    ASSERT_EQ(sink.frames().size(), 1U);
    EXPECT_EQ(sink.frames()[0].head.live, on);
    EXPECT_EQ(sink.frames()[0].head.pair, on);
  }
}

TEST(DnstapIntake, OneConnectionSpreadsOverAllShards) {
  for (const char* file : {"bind-file.fstrm", "unbound-unix.fstrm"}) {
    const Bytes bytes = read_file(test_data("dnstap") / file);
    ASSERT_FALSE(bytes.empty());
    FrameCatcher sink(4);
    DnstapIntake intake(3, {});
    InputCounters counters;
    FrameStreams streams(1U << 20U);
    std::span<const uint8_t> rest(bytes);
    for (FrameStreams::Step step; (step = streams.next(rest)) != FrameStreams::Step::more;) {
      if (step == FrameStreams::Step::frame) {
        ASSERT_TRUE(intake.take(streams.frame(), {}, {.mono_ns = 7}, sink.writer(), counters));
      }
    }
    sink.drain();
    ASSERT_EQ(sink.frames().size(), counters.units.get());
    std::vector<size_t> per_shard(4);
    for (const auto& taken : sink.frames()) {
      ++per_shard[taken.shard];
      EXPECT_EQ(taken.head.input, 3);
      EXPECT_EQ(taken.head.arrival_ns, 7U);
      EXPECT_EQ(taken.head.kind, FrameKind::dnstap);
    }
    for (size_t n : per_shard) EXPECT_GT(n, sink.frames().size() / 16) << file;
  }
}

TEST(DnstapIntake, FullRingDropsOrWaits) {
  const Bytes payload(500, 0x55);
  for (Overflow overflow : {Overflow::drop, Overflow::backpressure}) {
    FrameCatcher sink(1, 2, 4, 4096);
    DnstapIntake intake(0, {.overflow = overflow});
    InputCounters counters;
    uint64_t refused = 0;
    for (int i = 0; i < 100; ++i) refused += intake.take(payload, {}, {}, sink.writer(), counters) ? 0 : 1;
    EXPECT_EQ(counters.units.get() + refused, 100U);
    EXPECT_EQ(counters.units.get(), counters.frames.get() + counters.drops.get(Drop::ring_full));
    EXPECT_EQ(refused == 0, overflow == Overflow::drop);
    EXPECT_EQ(counters.drops.get(Drop::ring_full) == 0, overflow == Overflow::backpressure);
  }
}

}  // namespace
}  // namespace weir
