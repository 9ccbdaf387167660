#include "decoder/pairer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "core/dnstap.pb.h"
#include "tests/decoder/mirrored.h"
#include "tests/decoder/told.h"
#include "tests/fstrm_payloads.h"

namespace weir {
namespace {

using Lines = std::vector<std::string>;

constexpr int32_t kAuthQuery = 1;
constexpr int32_t kAuthResponse = 2;
constexpr int32_t kResolverQuery = 3;
constexpr int32_t kResolverResponse = 4;
constexpr int32_t kClientQuery = 5;
constexpr int32_t kClientResponse = 6;
constexpr int32_t kUpdateQuery = 13;
constexpr int32_t kUpdateResponse = 14;

const std::string kEnds = " 192.0.2.1:40000 198.51.100.53:53 ";
const std::string kPaired = "CLIENT_RESPONSE" + kEnds + "1 www.example q0 r1500 +q +r u2";

Told query(uint64_t us) { return {.type = kClientQuery, .us = us}; }
Told response(uint64_t us) { return {.type = kClientResponse, .us = us}; }
Told of_type(int32_t type, Told told) {
  told.type = type;
  return told;
}
// Another question, far later.
Told later(uint64_t us) { return {.us = us, .id = 999, .qname = "later", .client = "192.0.2.99"}; }
const std::string kLater = "CLIENT_QUERY 192.0.2.99:40000 198.51.100.53:53 999 later";

// A pairer with its sink; what it leaves to its caller is a line "alone".
struct Street {
  explicit Street(const DecodeOptions& options = {}, uint64_t seed = 1) : pairer(options, kept, seed) {}

  void take(const Told& told) { take(head_of(told), payload_of(told)); }
  void take(const Frame& head, const std::string& payload) {
    const HeldFrame held(head, payload);
    Pairer::Taken taken = Pairer::Taken::later;
    while (taken == Pairer::Taken::later) taken = pairer.take(held.frame());
    ++taken_units;
    if (taken == Pairer::Taken::alone) {
      kept.lines.emplace_back("alone");
      ++kept.units;
    }
    check();
  }
  void flush() {
    while (!pairer.flush()) {
    }
    EXPECT_EQ(pairer.held_units(), 0U);
    check();
  }
  void check() {
    uint64_t dropped = 0;
    for (const auto& [drop, units] : kept.drops) dropped += units;
    EXPECT_EQ(kept.units + dropped + pairer.held_units(), taken_units);
  }
  double sample(const std::string& name) {
    struct Finder : MetricVisitor {
      void counter(std::string_view found, std::string_view, const Labels& labels, double value) override {
        std::string key(found);
        for (const Label& label : labels) key += " " + label.value;
        values[key] = value;
      }
      void gauge(std::string_view found, std::string_view help, const Labels& labels, double value) override {
        counter(found, help, labels, value);
      }
      void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
      std::map<std::string, double> values;
    } finder;
    pairer.describe(finder, {});
    return finder.values.at(name);
  }

  KeptEvents kept{to_dnstap_line};
  Pairer pairer;
  uint64_t taken_units = 0;
};

Lines lines_of(const std::vector<Told>& told, const DecodeOptions& options = {}, uint64_t seed = 1) {
  Street street(options, seed);
  for (const Told& one : told) street.take(one);
  street.flush();
  return street.kept.lines;
}

TEST(Pairer, QueryAndResponseAreOneEventInEitherOrder) {
  EXPECT_EQ(lines_of({query(0), response(1'500)}), Lines{kPaired});
  EXPECT_EQ(lines_of({response(1'500), query(0)}), Lines{kPaired});
}

TEST(Pairer, EventHasThePeerOfTheResponseAndTheLaterArrival) {
  for (const bool response_first : {false, true}) {
    Street street;
    std::vector<Told> told = {query(0), response(1'500)};
    if (response_first) std::swap(told[0], told[1]);
    Endpoint peer = {.addr = *parse_addr("203.0.113.1"), .has_port = true, .port = 1};
    for (Told& one : told) {
      one.input = 7;
      Frame head = head_of(one);
      head.arrival_ns = 100 + peer.port;
      head.src = peer;
      head.src.port = static_cast<uint32_t>(one.type);
      street.take(head, payload_of(one));
      ++peer.port;
    }
    const Event& event = street.kept.last();
    EXPECT_EQ(event.arrival_ns, 102U);
    EXPECT_EQ(event.input, 7);
    EXPECT_EQ(to_string(event.peer), "203.0.113.1:6");
  }
}

TEST(Pairer, TypesMayChangeBetweenQueryAndResponse) {
  for (const auto& [asked, answered, name] :
       {std::tuple{kAuthQuery, kClientResponse, "CLIENT_RESPONSE"},
        std::tuple{kClientQuery, kAuthResponse, "AUTH_RESPONSE"},
        std::tuple{kClientQuery, kResolverResponse, "RESOLVER_RESPONSE"},
        std::tuple{kUpdateQuery, kUpdateResponse, "UPDATE_RESPONSE"},
        std::tuple{kUpdateQuery, kAuthResponse, "AUTH_RESPONSE"}}) {
    EXPECT_EQ(lines_of({of_type(asked, query(0)), of_type(answered, response(1'500))}),
              Lines{name + kEnds + "1 www.example q0 r1500 +q +r u2"});
  }
}

TEST(Pairer, NamesAreComparedWithoutRegardToCase) {
  Told scrambled = response(1'500);
  scrambled.qname = "wWw.eXAMPLE";
  EXPECT_EQ(lines_of({query(0), scrambled}).size(), 1U);
}

TEST(Pairer, WhatDiffersIsNotJoined) {
  std::vector<Told> others(9, response(1'500));
  others[0].id = 2;
  others[1].qname = "www.example2";
  others[2].qtype = 28;
  others[3].client = "192.0.2.2";
  others[4].client_port = 40001;
  others[5].server = "198.51.100.54";
  others[6].server_port = 54;
  others[7].protocol = 2;
  others[8].input = 1;
  for (const Told& other : others)
    EXPECT_EQ(lines_of({query(0), other}).size(), 2U) << &other - others.data();
  // Neither two queries nor two responses.
  EXPECT_EQ(lines_of({query(0), of_type(kAuthQuery, query(1))}).size(), 2U);
  EXPECT_EQ(lines_of({response(0), of_type(kAuthResponse, response(1))}).size(), 2U);
}

TEST(Pairer, ServerProtocolAndIdentityAreComparedAsFarAsTold) {
  Told bare = response(1'500);
  bare.server.clear();
  bare.protocol = 0;
  bare.identity = "another";
  EXPECT_EQ(lines_of({query(0), bare}), Lines{kPaired});
  EXPECT_EQ(lines_of({bare, query(0)}), Lines{kPaired});
}

TEST(Pairer, WithoutAClientTheServerTells) {
  std::vector<Told> told = {of_type(kResolverQuery, query(0)), of_type(kResolverResponse, response(1'500))};
  for (Told& one : told) one.client.clear();
  EXPECT_EQ(lines_of(told), Lines{"RESOLVER_RESPONSE - 198.51.100.53:53 1 www.example q0 r1500 +q +r u2"});
  told[1].server = "198.51.100.54";
  EXPECT_EQ(lines_of(told).size(), 2U);
  for (Told& one : told) one.server.clear();
  EXPECT_EQ(lines_of(told), Lines{"RESOLVER_RESPONSE - - 1 www.example q0 r1500 +q +r u2"});
}

TEST(Pairer, WhatHasNoIdOrNoKnownTypeIsLeftAlone) {
  Told bare = query(0);
  bare.payload = false;
  EXPECT_EQ(lines_of({bare, of_type(kClientResponse, bare)}), (Lines{"alone", "alone"}));
  Street street;
  street.take(head_of({}), "\x07");                                 // malformed
  street.take(head_of({}), "\x78\x01\x72\x07\x08\x05\x52\x03xyz");  // three bytes of DNS
  street.take(head_of({}), "\x78\x01\x72\x02\x08\x0f");             // a type of a later schema
  EXPECT_EQ(street.kept.lines, (Lines{"alone", "alone", "alone"}));
  EXPECT_EQ(street.pairer.held_units(), 0U);
}

TEST(Pairer, MessageWithoutAQuestionFitsAny) {
  Told formerr = response(1'500);
  formerr.question = false;
  EXPECT_EQ(lines_of({query(0), formerr}), Lines{kPaired});
  EXPECT_EQ(lines_of({formerr, query(0)}), Lines{kPaired});
}

TEST(Pairer, ResponseThatHasTheQueryPairsAllTheSame) {
  Told both = response(1'500);
  both.with_query = true;
  both.asked_us = 10;
  EXPECT_EQ(lines_of({query(0), both}),
            Lines{"CLIENT_RESPONSE" + kEnds + "1 www.example q10 r1500 +q +r u2"});
  EXPECT_EQ(lines_of({both}), Lines{"CLIENT_RESPONSE" + kEnds + "1 www.example q10 r1500 +q +r"});
}

TEST(Pairer, OfRetransmittedQueriesTheNearestQueryTimeThenTheOldest) {
  Told answer = response(2'000'000);
  EXPECT_EQ(lines_of({query(0), query(1'000'000), answer}),
            (Lines{"CLIENT_RESPONSE" + kEnds + "1 www.example q0 r2000000 +q +r u2",
                   "CLIENT_QUERY" + kEnds + "1 www.example q1000000 +q"}));
  answer.asked_us = 1'000'020;  // servers read the clock twice
  EXPECT_EQ(lines_of({query(0), query(1'000'000), answer}),
            (Lines{"CLIENT_RESPONSE" + kEnds + "1 www.example q1000020 r2000000 +q +r u2",
                   "CLIENT_QUERY" + kEnds + "1 www.example q0 +q"}));
  // Both are answered.
  EXPECT_EQ(lines_of({query(0), query(10), response(20), response(30)}),
            (Lines{"CLIENT_RESPONSE" + kEnds + "1 www.example q0 r20 +q +r u2",
                   "CLIENT_RESPONSE" + kEnds + "1 www.example q10 r30 +q +r u2"}));
}

TEST(Pairer, BothEndsOfOneTransactionAreTwoPairs) {
  EXPECT_EQ(lines_of({of_type(kResolverQuery, query(0)), of_type(kAuthQuery, query(10)),
                      of_type(kAuthResponse, response(20)), of_type(kResolverResponse, response(30))}),
            (Lines{"AUTH_RESPONSE" + kEnds + "1 www.example q10 r20 +q +r u2",
                   "RESOLVER_RESPONSE" + kEnds + "1 www.example q0 r30 +q +r u2"}));
}

TEST(Pairer, FurtherResponsesAreAlone) {
  EXPECT_EQ(lines_of({query(0), response(1'500), response(1'600)}),
            (Lines{kPaired, "CLIENT_RESPONSE" + kEnds + "1 www.example r1600 +r"}));
}

TEST(Pairer, IdThatIsUsedAgainAfterTheTimeOutIsAskedAnew) {
  EXPECT_EQ(lines_of({query(0), query(6'000'000), response(6'000'500)}),
            (Lines{"CLIENT_QUERY" + kEnds + "1 www.example q0 +q",
                   "CLIENT_RESPONSE" + kEnds + "1 www.example q6000000 r6000500 +q +r u2"}));
}

TEST(Pairer, InFilesMessageTimesTimeOut) {
  const std::string query_line = "CLIENT_QUERY" + kEnds + "1 www.example q0 +q";
  EXPECT_EQ(lines_of({query(0), response(5'000'000)}).size(), 1U);
  EXPECT_EQ(lines_of({query(0), response(5'000'001)}).size(), 2U);
  EXPECT_EQ(lines_of({query(100'000), response(0)}).size(), 1U);
  EXPECT_EQ(lines_of({query(100'001), response(0)}).size(), 2U);
  EXPECT_EQ(lines_of({query(0), later(5'100'000), response(5'000'000)}).size(), 2U);
  EXPECT_EQ(
      lines_of({query(0), later(5'100'001), response(5'000'000)}),
      (Lines{query_line, kLater + " q5100001 +q", "CLIENT_RESPONSE" + kEnds + "1 www.example r5000000 +r"}));
  EXPECT_EQ(lines_of({response(0), later(100'000), query(100'000)}).size(), 2U);
  EXPECT_EQ(lines_of({response(0), later(100'001), query(100'001)}).size(), 3U);
  // Messages of several threads come in any order: waiting begins where the file stands.
  EXPECT_EQ(lines_of({later(3'000'000), response(0), query(0)}).size(), 2U);
  // No time: that of the file.
  Told timeless = query(0);
  timeless.times = false;
  EXPECT_EQ(lines_of({later(0), timeless, later(5'000'000), response(5'000'000)}).size(), 3U);
  EXPECT_EQ(lines_of({later(0), timeless, later(6'000'000), response(6'000'000)}).size(), 4U);
}

TEST(Pairer, FileWhoseClockIsSetBackKeepsNothingWaiting) {
  Street street;
  street.take(query(60'000'000));
  street.take(later(0));
  EXPECT_EQ(street.pairer.held_units(), 1U);
  EXPECT_EQ(street.sample("weir_pair_timeouts_total query"), 1);
}

TEST(Pairer, InStreamsArrivalTimesOutWhateverTheServersClocksSay) {
  const auto live = [](Told told, uint64_t arrival_us) {
    told.live = true;
    told.arrival_us = arrival_us;
    return told;
  };
  Told other = later(3'600'000'000);
  EXPECT_EQ(lines_of({live(query(0), 1'000), live(other, 2'000), live(response(1'500), 5'101'000)}).size(),
            2U);
  EXPECT_EQ(lines_of({live(query(0), 1'000), live(other, 2'000), live(response(1'500), 5'101'001)}).size(),
            3U);
  // Rings of several ingest lcores do not keep order.
  EXPECT_EQ(lines_of({live(query(0), 20'000'000), live(other, 1'000), live(response(1'500), 2'000)}).size(),
            2U);
}

TEST(Pairer, InStreamsTimeGoesOnWhenNothingComes) {
  Street street;
  Told asked = query(0);
  asked.live = true;
  asked.arrival_us = 1'000;
  street.take(asked);
  ASSERT_TRUE(street.pairer.pass_time(5'101 * kMs));
  EXPECT_EQ(street.pairer.held_units(), 1U);
  ASSERT_TRUE(street.pairer.pass_time(5'101 * kMs + 1));
  EXPECT_EQ(street.kept.lines, Lines{"CLIENT_QUERY" + kEnds + "1 www.example q0 +q"});
  // Not in files.
  Told of_file = later(0);
  of_file.input = 1;
  street.take(of_file);
  ASSERT_TRUE(street.pairer.pass_time(3'600'000 * kMs));
  EXPECT_EQ(street.pairer.held_units(), 1U);
  street.flush();
}

TEST(Pairer, FullTableWritesTheOldest) {
  std::vector<Told> told;
  for (uint16_t id = 0; id < 3; ++id) {
    told.push_back(query(id));
    told.back().id = id;
  }
  Street street({.table_entries = 2});
  for (const Told& one : told) street.take(one);
  EXPECT_EQ(street.kept.lines, Lines{"CLIENT_QUERY" + kEnds + "0 www.example q0 +q"});
  EXPECT_EQ(street.sample("weir_pair_evictions_total table_full"), 1);
  EXPECT_EQ(street.sample("weir_pair_entries"), 2);
  EXPECT_EQ(street.sample("weir_pair_capacity"), 2);
  street.flush();
}

TEST(Pairer, FullStoreWritesTheOldestResponse) {
  Street street({.table_entries = 256});
  Told first = query(0);
  first.rest = std::string(1'000, 'x');
  street.take(first);
  for (uint16_t id = 2; id < 4; ++id) {
    Told big = response(id);
    big.id = id;
    big.rest = std::string(40'000, 'x');
    street.take(big);
  }
  EXPECT_EQ(street.kept.lines, Lines{"CLIENT_RESPONSE" + kEnds + "2 www.example r2 +r"});
  EXPECT_EQ(street.sample("weir_pair_evictions_total store_full"), 1);
  street.flush();
}

TEST(Pairer, LongPayloadsComeBackWhole) {
  for (const size_t len : {100U, 200U, 400U, 5'000U, 60'000U}) {
    Told asked = query(0);
    asked.rest = std::string(len, 'q');
    Told answer = response(1'500);
    answer.rest = std::string(len, 'r');
    Street street;
    street.take(asked);
    street.take(answer);
    EXPECT_EQ(street.kept.lines, Lines{kPaired});
    EXPECT_EQ(street.kept.bytes.at(0), payload_of(asked) + payload_of(answer));
  }
}

TEST(Pairer, TheQuerysPayloadIsFirstWhicheverCameFirst) {
  const Told asked = query(0);
  const Told answer = response(1'500);
  for (const bool response_first : {false, true}) {
    Street street;
    street.take(response_first ? answer : asked);
    street.take(response_first ? asked : answer);
    EXPECT_EQ(street.kept.lines, Lines{kPaired});
    EXPECT_EQ(street.kept.bytes.at(0), payload_of(asked) + payload_of(answer));
    EXPECT_EQ(street.kept.last().query_frame_len, payload_of(asked).size());
  }
}

TEST(Pairer, WhatIsTooLongToWaitStillMeetsWhatWaits) {
  Told answer = response(1'500);
  answer.rest = std::string(65'500, 'r');
  EXPECT_EQ(lines_of({query(0), answer}), Lines{kPaired});
  EXPECT_EQ(lines_of({answer, query(0)}), (Lines{"alone", "CLIENT_QUERY" + kEnds + "1 www.example q0 +q"}));
}

TEST(Pairer, WhatFitsNoBatchTogetherIsWrittenApart) {
  Street street;
  street.kept.largest = payload_of(query(0)).size() + 20;
  street.take(query(0));
  street.take(response(1'500));
  street.flush();
  EXPECT_EQ(street.kept.lines.size(), 2U);
  EXPECT_TRUE(street.kept.drops.empty());
}

// RFC 8484 section 4.1, RFC 9250 section 4.2.1: over HTTPS and QUIC all ids are 0.
TEST(Pairer, ManyQuestionsOfOneConnectionAndId) {
  constexpr uint64_t kCount = 500;
  std::vector<Told> told;
  for (uint64_t i = 0; i < 2 * kCount; ++i) {
    told.push_back(i < kCount ? query(i) : response(i));
    told.back().id = 0;
    told.back().qname = "host" + std::to_string(i % kCount);
  }
  const Lines lines = lines_of(told);
  ASSERT_EQ(lines.size(), kCount);
  EXPECT_EQ(lines[0], "CLIENT_RESPONSE" + kEnds + "0 host0 q0 r500 +q +r u2");
  EXPECT_EQ(lines.back(), "CLIENT_RESPONSE" + kEnds + "0 host499 q499 r999 +q +r u2");
}

TEST(Pairer, ManyOfOneKeyAreBoundedAndCounted) {
  Street street;
  for (uint64_t i = 0; i < 1'000; ++i) {
    const uint64_t before = street.pairer.compared();
    street.take(i % 2 == 0 ? query(i) : of_type(kAuthQuery, query(i)));
    EXPECT_LE(street.pairer.compared() - before, Pairer::kMaxCompared);
  }
  EXPECT_EQ(street.pairer.held_units(), 2 * MatchTable<WaitingFrame>::kMaxPerHash);
  EXPECT_EQ(street.sample("weir_pair_evictions_total same_key"),
            1'000 - 2 * MatchTable<WaitingFrame>::kMaxPerHash);
  street.flush();
}

TEST(Pairer, AbandonCountsWhatWaits) {
  Street street;
  street.take(query(0));
  street.take(later(10));
  street.pairer.abandon();
  EXPECT_EQ(street.pairer.held_units(), 0U);
  EXPECT_EQ(street.kept.drops, (std::map<Drop, uint64_t>{{Drop::decode_shutdown, 2}}));
  street.check();
}

// Random traffic of few keys, so that everything meets everything.
std::vector<Told> traffic(unsigned seed, size_t count) {
  std::minstd_rand random(seed);
  std::vector<Told> told;
  uint64_t now = 0;
  for (size_t i = 0; i < count; ++i) {
    now += random() % 3 == 0 ? random() % 900'000 : random() % 20'000;
    Told one = {.type = static_cast<int32_t>(1 + random() % 14), .us = now};
    if (random() % 2 == 0)
      one.asked_us = static_cast<int64_t>(now - std::min<uint64_t>(now, random() % 5'000));
    one.id = static_cast<uint16_t>(random() % 3);
    one.qname = random() % 2 == 0 ? "www.example" : "WWW.eXample";
    if (random() % 5 == 0) one.client.clear();
    if (random() % 5 == 0) one.server.clear();
    one.question = random() % 7 != 0;
    one.payload = random() % 20 != 0;
    if (random() % 5 == 0) one.rest = std::string(random() % 2'000, 'x');
    one.input = static_cast<uint16_t>(random() % 8 == 0);
    told.push_back(one);
  }
  return told;
}

TEST(Pairer, EventsDependNeitherOnTheSeedNorOnRoom) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const std::vector<Told> told = traffic(seed, 500);
    const DecodeOptions options = {.match_timeout_ms = 2'000, .table_entries = 40};
    const Lines expected = lines_of(told, options, 1);
    EXPECT_GT(std::count_if(expected.begin(), expected.end(),
                            [](const std::string& line) { return line.ends_with(" u2"); }),
              20);
    EXPECT_EQ(lines_of(told, options, 2), expected);
    Street refused(options, 3);
    refused.kept.refuse_every_other = true;
    for (const Told& one : told) refused.take(one);
    refused.flush();
    EXPECT_EQ(refused.kept.lines, expected);
  }
}

// With time enough, as many pairs of a key as it has both queries and responses, by libprotobuf's reading.
size_t pairs_by_libprotobuf(const std::vector<std::vector<uint8_t>>& payloads) {
  std::map<std::tuple<std::string, uint32_t, std::string>, std::array<size_t, 2>> seen;
  for (const auto& payload : payloads) {
    dnstap::Dnstap d;
    EXPECT_TRUE(d.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
    const dnstap::Message& m = d.message();
    std::string wire = m.has_response_message() ? m.response_message() : m.query_message();
    if (wire.size() < 17 || wire[5] != 1) continue;
    const size_t question_end = std::min(wire.size(), wire.find('\0', 12) + 5);
    std::string key = wire.substr(0, 2) + wire.substr(12, question_end - 12);
    std::transform(key.begin() + 2, key.end(), key.begin() + 2,
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    ++seen[{m.query_address(), m.query_port(), key}][static_cast<size_t>(m.type()) % 2];
  }
  size_t pairs = 0;
  for (const auto& [key, count] : seen) pairs += std::min(count[0], count[1]);
  return pairs;
}

TEST(Pairer, RealServersPairAsTheirMessagesSay) {
  size_t all = 0;
  for (const auto& file : files_below(test_data("dnstap"), ".fstrm")) {
    const auto payloads = fstrm_payloads(file);
    Street street({.match_timeout_ms = 3'600'000, .reorder_ms = 10'000});
    for (const auto& payload : payloads)
      street.take(head_of({}), std::string(payload.begin(), payload.end()));
    street.flush();
    const auto joined = static_cast<size_t>(street.sample("weir_pair_joined_total"));
    EXPECT_EQ(joined, pairs_by_libprotobuf(payloads)) << file;
    EXPECT_EQ(street.kept.lines.size(), payloads.size() - joined) << file;
    all += joined;
  }
  EXPECT_GT(all, 800U);
}

}  // namespace
}  // namespace weir
