// Zone transfers over TCP as one event.
#include "decoder/transfers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "decoder/matcher.h"
#include "tests/decoder/mirrored.h"

namespace weir {
namespace {

using namespace std::string_literals;
using Lines = std::vector<std::string>;

const DecodeOptions kWhole = {.whole_transfers = true};
const std::string kEnds = " 192.0.2.1:40000 198.51.100.53:53 1 www.example";
constexpr uint16_t kAxfr = 252;
constexpr uint16_t kIxfr = 251;

std::string soa(uint8_t serial) {
  return "\xc0\x0c\0\6\0\1\0\0\1\x2c\0\x16\0\0"s + "\0\0\0"s + static_cast<char>(serial) +
         std::string(16, '\0');
}
const std::string kA = "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"s;

Sent asked(uint64_t us, uint16_t qtype = kAxfr) { return {.us = us, .qtype = qtype, .tcp = true}; }
Sent part(uint64_t us, const std::vector<std::string>& records, uint16_t qtype = kAxfr) {
  Sent sent{
      .us = us, .response = true, .qtype = qtype, .counts = {1, static_cast<uint16_t>(records.size()), 0, 0}};
  for (const std::string& record : records) sent.rest += record;
  sent.tcp = true;
  return sent;
}
// RFC 5936 section 2.2.1: the question may be left out.
Sent without_question(Sent sent) {
  sent.counts[0] = 0;
  for (size_t at = 0; (at = sent.rest.find("\xc0\x0c", at)) != std::string::npos; at += 2)
    sent.rest.replace(at, 2, "\0"s);
  return sent;
}

TEST(Transfers, AreALineAMessageUnlessAskedFor) {
  const std::vector<Sent> packets = {asked(0), part(10, {soa(1), kA}), part(20, {kA, soa(1)})};
  EXPECT_EQ(outcome_of(packets).lines,
            (Lines{"TRANSACTION" + kEnds + " q0 r10", "RESPONSE" + kEnds + " r20"}));
  EXPECT_EQ(outcome_of(packets, kWhole).lines, Lines{"TRANSACTION" + kEnds + " q0 r10 u3 transfer m2 rr4"});
}

TEST(Transfers, EndWithTheSecondSoa) {
  EXPECT_EQ(outcome_of({asked(0), part(10, {soa(1)}), without_question(part(20, {kA, kA})), part(30, {kA}),
                        part(40, {soa(1)}), part(50, {kA})},
                       kWhole)
                .lines,
            (Lines{"TRANSACTION" + kEnds + " q0 r10 u5 transfer m4 rr5", "RESPONSE" + kEnds + " r50"}));
  EXPECT_EQ(outcome_of({asked(0), part(10, {soa(1), kA, soa(1)})}, kWhole).lines,
            Lines{"TRANSACTION" + kEnds + " q0 r10 transfer m1 rr3"});
}

TEST(Transfers, IncrementalOnesEndWithTheThirdOfTheNewSerial) {
  EXPECT_EQ(outcome_of({asked(0, kIxfr), part(10, {soa(3), soa(1), kA}, kIxfr),
                        part(20, {soa(2), kA, soa(2)}, kIxfr), part(30, {soa(3), kA}, kIxfr),
                        part(40, {soa(3)}, kIxfr)},
                       kWhole)
                .lines,
            Lines{"TRANSACTION" + kEnds + " q0 r10 u5 transfer m4 rr9"});
  EXPECT_EQ(outcome_of({asked(0, kIxfr), part(10, {soa(3)}, kIxfr)}, kWhole).lines,
            Lines{"TRANSACTION" + kEnds + " q0 r10 transfer m1 rr1"})
      << "nothing is new";
  EXPECT_EQ(
      outcome_of({asked(0, kIxfr), part(10, {soa(3), kA}, kIxfr), part(20, {soa(3)}, kIxfr)}, kWhole).lines,
      Lines{"TRANSACTION" + kEnds + " q0 r10 u3 transfer m2 rr3"})
      << "the whole zone instead";
}

TEST(Transfers, ThatAreRefusedOrNoneAreOver) {
  Sent refused = part(10, {});
  refused.flags = 0x0105;
  EXPECT_EQ(outcome_of({asked(0), refused}, kWhole).lines,
            Lines{"TRANSACTION" + kEnds + " rcode5 q0 r10 transfer m1 rr0"});
  EXPECT_EQ(outcome_of({asked(0), part(10, {kA}), part(20, {kA, kA})}, kWhole).lines,
            (Lines{"TRANSACTION" + kEnds + " q0 r10 transfer m1 rr1", "RESPONSE" + kEnds + " r20"}));
  Sent failed = part(20, {});
  failed.flags = 0x0102;
  EXPECT_EQ(outcome_of({asked(0), part(10, {soa(1), kA}), failed}, kWhole).lines,
            Lines{"TRANSACTION" + kEnds + " q0 r10 u3 transfer m2 rr2"});
}

TEST(Transfers, WithoutAnEndAreWrittenWhenTheirTimeIsOver) {
  const std::string unfinished = "TRANSACTION" + kEnds + " q0 r10 transfer m1 rr2 unfinished";
  const Sent somebody = {.us = 5'000'020, .id = 9, .qname = "later", .client = "192.0.2.99"};
  EXPECT_EQ(outcome_of({asked(0), part(10, {soa(1), kA}), somebody}, kWhole).lines.front(), unfinished);
  EXPECT_EQ(outcome_of({asked(0), part(10, {soa(1), kA})}, kWhole).lines, Lines{unfinished})
      << "at the input's end";
  // Each message gives it more time.
  std::vector<Sent> slow = {asked(0)};
  for (uint64_t i = 0; i < 5; ++i) slow.push_back(part(10 + i * 4'000'000, {i == 0 ? soa(1) : kA}));
  slow.push_back(part(20'000'000, {soa(1)}));
  EXPECT_EQ(outcome_of(slow, kWhole).lines, Lines{"TRANSACTION" + kEnds + " q0 r10 u7 transfer m6 rr6"});
}

TEST(Transfers, EndWhenTheIdIsAskedAnew) {
  EXPECT_EQ(
      outcome_of({asked(0), part(10, {soa(1), kA}), asked(20), part(30, {soa(1), soa(1)})}, kWhole).lines,
      (Lines{"TRANSACTION" + kEnds + " q0 r10 transfer m1 rr2 unfinished",
             "TRANSACTION" + kEnds + " q20 r30 transfer m1 rr2"}));
}

TEST(Transfers, OverUdpAreNone) {
  Sent query = asked(0, kIxfr);
  Sent answer = part(10, {soa(1)}, kIxfr);
  query.tcp = answer.tcp = false;
  EXPECT_EQ(outcome_of({query, answer}, kWhole).lines, Lines{"TRANSACTION" + kEnds + " q0 r10"});
}

TEST(Transfers, AreBounded) {
  std::vector<Sent> packets;
  for (size_t i = 0; i <= Transfers::kMost; ++i) {
    for (Sent sent : {asked(10 * i), part(10 * i + 5, {soa(1), kA})}) {
      sent.client_port = static_cast<uint16_t>(40'000 + i);
      packets.push_back(sent);
    }
  }
  const Lines lines = outcome_of(packets, kWhole).lines;
  ASSERT_EQ(lines.size(), Transfers::kMost + 1);
  EXPECT_EQ(lines.front(), "TRANSACTION" + kEnds + " q0 r5 transfer m1 rr2 unfinished");
}

TEST(Transfers, AskAgainWhereThereIsNoRoom) {
  KeptEvents kept;
  Matcher matcher(kWhole, kept, 1);
  kept.refuse_every_other = true;
  for (const Sent& sent : {asked(0), part(10, {soa(1), kA}), part(20, {soa(1)})}) {
    const HeldFrame held(sent);
    while (!matcher.take(held.frame())) {
    }
  }
  EXPECT_EQ(kept.lines, Lines{"TRANSACTION" + kEnds + " q0 r10 u3 transfer m2 rr3"});
  EXPECT_EQ(matcher.held_units(), 0U);
}

TEST(Transfers, AreCountedWhereTheyAreGivenUp) {
  KeptEvents kept;
  Matcher matcher(kWhole, kept, 1);
  for (const Sent& sent : {asked(0), part(10, {soa(1), kA}), part(20, {kA})}) {
    const HeldFrame held(sent);
    EXPECT_TRUE(matcher.take(held.frame()));
  }
  EXPECT_EQ(matcher.held_units(), 3U);
  EXPECT_TRUE(matcher.waits(0, matcher.place()));
  EXPECT_FALSE(matcher.waits(1, matcher.place()));
  matcher.abandon();
  EXPECT_EQ(kept.drops, (std::map<Drop, uint64_t>{{Drop::decode_shutdown, 3}}));
  EXPECT_EQ(matcher.held_units(), 0U);
}

}  // namespace
}  // namespace weir
