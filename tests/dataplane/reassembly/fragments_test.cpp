#include "dataplane/reassembly/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/dataplane/reassembly/fragments_fixture.h"

namespace weir {
namespace {

TEST_F(FragmentsTest, JoinsInOrder) {
  EXPECT_FALSE(take(two, head));
  EXPECT_EQ(fragments.held_units(), 1U);
  ASSERT_TRUE(take(two, tail));
  EXPECT_EQ(payload, two);
  EXPECT_EQ(whole.wire_len, 2000U);
  EXPECT_EQ(whole.units, 2U);
  EXPECT_EQ(whole.protocol, kUdp);
}

TEST_F(FragmentsTest, JoinsInAnyOrder) {
  std::vector<Cut> cuts = {{0, 8}, {8, 1480}, {1488, 496}, {1984, 16, false}};
  std::vector<int> order = {0, 1, 2, 3};
  uint32_t id = 0;
  do {
    ++id;
    for (size_t i = 0; i < 4; ++i) {
      Cut cut = cuts[static_cast<size_t>(order[i])];
      cut.id = id;
      ASSERT_EQ(take(two, cut), i == 3);
    }
    ASSERT_EQ(payload, two);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(datagrams, 24);
  EXPECT_EQ(drops.total(StageKind::ingest), 0U);
}

TEST_F(FragmentsTest, TakesADatagramInOneFragment) {
  ASSERT_TRUE(take(two, {.offset = 0, .len = 2000, .more = false}));
  EXPECT_EQ(payload, two);
  EXPECT_EQ(whole.units, 1U);
}

TEST_F(FragmentsTest, TakesTheLargestDatagram) {
  const std::string of = bytes_of(65'535);
  for (size_t at = 0; at < of.size(); at += 1480) {
    const size_t len = std::min<size_t>(1480, of.size() - at);
    take(of, {.offset = at, .len = len, .more = at + len < of.size()});
  }
  EXPECT_EQ(payload, of);
}

TEST_F(FragmentsTest, TellsKeysApart) {
  const std::string other = bytes_of(2000, 2);
  take(two, head);
  Cut cut = head;
  cut.id = 2;
  take(other, cut);
  cut = head;
  cut.protocol = 6;
  take(other, cut);
  std::swap(src, dst);
  take(other, head);
  EXPECT_EQ(fragments.held_units(), 4U);
  std::swap(src, dst);
  ASSERT_TRUE(take(two, tail));
  EXPECT_EQ(payload, two);
  cut = tail;
  cut.protocol = 6;
  ASSERT_TRUE(take(other, cut));
  EXPECT_EQ(payload, other);
}

TEST_F(FragmentsTest, LeavesTheNextHeaderOutOfIpv6Keys) {
  src = parse_addr("2001:db8::1").value();
  dst = parse_addr("2001:db8::35").value();
  Cut first = tail;
  first.protocol = 60;
  take(two, first);
  ASSERT_TRUE(take(two, head));
  EXPECT_EQ(payload, two);
  EXPECT_EQ(whole.protocol, kUdp) << "RFC 8200 section 4.5: that of the first fragment";

  Cut again = head;
  again.id = first.id = 70'000;
  take(two, again);
  ASSERT_TRUE(take(two, first));
  EXPECT_EQ(whole.protocol, kUdp);
}

TEST_F(FragmentsTest, CountsDuplicates) {
  take(two, head);
  take(two, head);
  take(two, {.offset = 800, .len = 80});
  EXPECT_EQ(dropped(Drop::fragment_duplicate), 2U);
  take(two, {.offset = 1480, .len = 512});
  take(two, {.offset = 1472, .len = 16});
  EXPECT_EQ(dropped(Drop::fragment_duplicate), 3U) << "across two";
  ASSERT_TRUE(take(two, {.offset = 1992, .len = 8, .more = false}));
  EXPECT_EQ(whole.units, 3U);
  EXPECT_EQ(payload, two);
}

TEST_F(FragmentsTest, CountsDuplicatesOfADatagramThatIsDone) {
  take(two, head);
  take(two, tail);
  now += kSecond;
  take(two, head);
  take(two, tail);
  EXPECT_EQ(dropped(Drop::fragment_duplicate), 2U);
  EXPECT_EQ(fragments.held_units(), 0U);
  now += 1;
  take(two, head);
  ASSERT_TRUE(take(two, tail)) << "the id is used again";
  EXPECT_EQ(datagrams, 2);
}

TEST_F(FragmentsTest, StartsAnewWhereADoneDatagramHadNoSuchPlace) {
  take(two, head);
  take(two, tail);
  const std::string longer = bytes_of(3000, 3);
  take(longer, {.offset = 1480, .len = 1480});
  EXPECT_EQ(fragments.held_units(), 1U);
  take(longer, {.offset = 0, .len = 1480});
  ASSERT_TRUE(take(longer, {.offset = 2960, .len = 40, .more = false}));
  EXPECT_EQ(payload, longer);
}

TEST_F(FragmentsTest, GivesUpWhereBytesDiffer) {
  std::string forged = two;
  forged[1479] ^= 1;
  take(two, head);
  take(forged, head);
  EXPECT_EQ(dropped(Drop::fragment_overlap), 2U);
  now += 10 * kSecond;
  EXPECT_FALSE(take(two, head));
  EXPECT_FALSE(take(two, tail));
  EXPECT_EQ(dropped(Drop::fragment_overlap), 4U) << "within the time-out";
  now += 1;
  take(two, head);
  EXPECT_TRUE(take(two, tail));
}

TEST_F(FragmentsTest, GivesUpWhereAFragmentIsPartlyThere) {
  take(two, {.offset = 0, .len = 80});
  take(two, {.offset = 72, .len = 16});
  EXPECT_EQ(dropped(Drop::fragment_overlap), 2U);
  take(two, {.offset = 80, .len = 80, .id = 2});
  take(two, {.offset = 72, .len = 16, .id = 2});
  EXPECT_EQ(dropped(Drop::fragment_overlap), 4U) << "before";
  take(two, {.offset = 0, .len = 8, .id = 3});
  take(two, {.offset = 16, .len = 8, .id = 3});
  take(two, {.offset = 0, .len = 24, .id = 3});
  EXPECT_EQ(dropped(Drop::fragment_overlap), 7U) << "a gap within";
  take(two, {.offset = 8, .len = 8, .id = 4});
  take(two, {.offset = 0, .len = 24, .id = 4});
  EXPECT_EQ(dropped(Drop::fragment_overlap), 9U) << "around";
}

TEST_F(FragmentsTest, GivesUpWhereTheEndIsContradicted) {
  uint32_t id = 0;
  uint64_t overlaps = 0;
  const auto contradict = [&](Cut a, Cut b) {
    a.id = b.id = ++id;
    EXPECT_FALSE(take(two, a));
    EXPECT_FALSE(take(two, b));
    EXPECT_EQ(dropped(Drop::fragment_overlap), overlaps += 2) << id;
  };
  const Cut last{.offset = 80, .len = 16, .more = false};
  contradict(last, {.offset = 96, .len = 8, .more = false});
  contradict(last, {.offset = 0, .len = 8, .more = false});
  contradict(last, {.offset = 96, .len = 8});
  contradict(last, {.offset = 88, .len = 16});
  contradict({.offset = 96, .len = 8}, last);
  contradict({.offset = 0, .len = 96}, last);
  contradict(last, {.offset = 88, .len = 8});
  contradict({.offset = 88, .len = 8}, last);
  EXPECT_EQ(fragments.held_units(), 0U);
}

TEST_F(FragmentsTest, CountsBadFragments) {
  const std::string of = bytes_of(65'536);
  take(of, {.offset = 0, .len = 0});
  take(of, {.offset = 8, .len = 0, .more = false});
  take(of, {.offset = 0, .len = 12});
  take(of, {.offset = 65'528, .len = 8, .more = false});
  take({.src = src, .dst = dst, .offset = 8, .payload = {}, .wire_len = UINT32_MAX});
  take({.src = src, .dst = dst, .more = true, .offset = 8, .payload = {}, .wire_len = UINT32_MAX - 7});
  EXPECT_EQ(dropped(Drop::fragment_bad), 6U);
  take(of, {.offset = 65'528, .len = 7, .more = false});
  EXPECT_EQ(fragments.held_units(), 1U);
  take(of, {.offset = 0, .len = 12});
  EXPECT_EQ(fragments.held_units(), 1U) << "its datagram may still come";
}

TEST_F(FragmentsTest, GivesUpWhatComesInTooManyFragments) {
  const std::string of = bytes_of(129 * 8);
  for (size_t i = 0; i < 128; ++i)
    ASSERT_EQ(take(of, {.offset = i * 8, .len = 8, .more = i != 127}), i == 127);
  EXPECT_EQ(payload, of.substr(0, 1024));
  for (size_t i = 0; i < 129; ++i) take(of, {.offset = i * 8, .len = 8, .more = i != 128, .id = 2});
  EXPECT_EQ(dropped(Drop::fragment_bad), 129U);
  take(of, {.offset = 0, .len = 8, .id = 2});
  EXPECT_EQ(dropped(Drop::fragment_bad), 130U);
}

TEST_F(FragmentsTest, AsksOnceWhetherADatagramIsWanted) {
  take(two, tail);
  EXPECT_EQ(asked, 0);
  take(two, {.offset = 8, .len = 1472});
  EXPECT_EQ(asked, 0);
  ASSERT_TRUE(take(two, {.offset = 0, .len = 8}));
  EXPECT_EQ(asked_head, 8U);
  EXPECT_EQ(asked_protocol, kUdp);
  take(two, head);
  EXPECT_EQ(asked, 1);
  take(two, {.offset = 0, .len = 8, .id = 2});
  take(two, {.offset = 0, .len = 8, .id = 2});
  EXPECT_EQ(asked, 2);
  take(two, {.offset = 0, .len = 8, .id = 3, .captured = 0});
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(asked_head, 0U);
}

TEST_F(FragmentsTest, DropsWhatIsNotWanted) {
  refusal = Drop::packet_other_port;
  take(two, tail);
  take(two, {.offset = 80, .len = 1400});
  EXPECT_EQ(fragments.held_units(), 2U);
  take(two, {.offset = 0, .len = 80});
  EXPECT_EQ(dropped(Drop::packet_other_port), 3U);
  take(two, tail);
  EXPECT_EQ(dropped(Drop::packet_other_port), 4U);
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE(take(two, {.offset = 0, .len = 80, .more = false, .id = 2})) << "complete, not wanted";
  now += 10 * kSecond + 1;
  refusal = {};
  take(two, head);
  EXPECT_TRUE(take(two, tail));
}

TEST_F(FragmentsTest, EndsThePayloadWhereTheCaptureCutIt) {
  Cut cut = tail;
  cut.captured = 100;
  take(two, cut);
  ASSERT_TRUE(take(two, head));
  EXPECT_EQ(payload, two.substr(0, 1580));
  EXPECT_EQ(whole.wire_len, 2000U);

  cut = head;
  cut.captured = 64;
  cut.id = 2;
  take(two, cut);
  cut = tail;
  cut.id = 2;
  cut.captured = 0;
  ASSERT_TRUE(take(two, cut));
  EXPECT_EQ(payload, two.substr(0, 64)) << "the first that is cut counts";

  take(two, {.offset = 80, .len = 16, .more = false, .id = 3, .captured = 0});
  ASSERT_TRUE(take(two, {.offset = 0, .len = 80, .id = 3, .captured = 0}));
  EXPECT_EQ(payload, "");
  EXPECT_EQ(whole.wire_len, 96U);
}

TEST_F(FragmentsTest, ComparesWhatWasCaptured) {
  std::string forged = two;
  forged[700] ^= 1;
  Cut cut = head;
  cut.captured = 600;
  take(two, cut);
  take(forged, head);
  EXPECT_EQ(dropped(Drop::fragment_duplicate), 1U);
  forged[599] ^= 1;
  take(forged, head);
  EXPECT_EQ(dropped(Drop::fragment_overlap), 2U);
}

TEST_F(FragmentsTest, IgnoresBytesPastTheWireLength) {
  const auto* data = reinterpret_cast<const uint8_t*>(two.data());
  ASSERT_TRUE(take({.src = src, .dst = dst, .payload = {data, 46}, .wire_len = 13}));
  EXPECT_EQ(payload, two.substr(0, 13));
}

}  // namespace
}  // namespace weir
