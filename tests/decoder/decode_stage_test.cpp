#include "decoder/decode_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/frame.h"
#include "tests/decoder/mirrored.h"
#include "tests/decoder/told.h"
#include "tests/fstrm_payloads.h"
#include "tests/test_data.h"

namespace weir {
namespace {

using namespace std::string_literals;

const std::string kDnstap = "\x78\x01\x72\x02\x08\x05";  // a MESSAGE of type CLIENT_QUERY, nothing more

struct Sizes {
  size_t inputs = 1;
  unsigned ring = 4;  // batches
  size_t pool = 8;
  size_t batch_bytes = 4096;
  size_t large_bytes = 1U << 17U;
};

// Plays the ingest lcores before the stage and the export lcore behind it.
class Street {
 public:
  explicit Street(const Sizes& in_sizes = {}, const Sizes& out_sizes = {}, const DecodeOptions& options = {})
      : out_(out_sizes.ring, 64) {
    std::vector<Ring*> rings;
    for (size_t i = 0; i < in_sizes.inputs; ++i) {
      pools_.push_back(
          std::make_unique<BatchPool>(in_sizes.pool, in_sizes.batch_bytes, 4, in_sizes.large_bytes));
      in_.push_back(std::make_unique<Ring>(in_sizes.ring, 64));
      writers_.push_back(std::make_unique<BatchWriter>(*in_.back(), *pools_.back()));
      rings.push_back(in_.back().get());
    }
    stage_ = std::make_unique<DecodeStage>(
        3, options, rings, &out_,
        std::make_unique<BatchPool>(out_sizes.pool, out_sizes.batch_bytes, 2, out_sizes.large_bytes));
  }

  [[nodiscard]] bool put(std::span<const uint8_t> payload, const Frame& head = {}, size_t input = 0) {
    const size_t bytes = sizeof(Frame) + payload.size();
    uint8_t* room = writers_[input]->reserve(bytes, 0);
    if (room == nullptr) return false;
    auto* frame = new (room) Frame(head);
    frame->record_len = BatchWriter::padded(bytes);
    frame->payload_len = static_cast<uint32_t>(payload.size());
    std::memcpy(frame->payload_start(), payload.data(), payload.size());
    writers_[input]->commit(frame->record_len, 1);
    return true;
  }
  [[nodiscard]] bool put(const std::string& payload, const Frame& head = {}, size_t input = 0) {
    return put({reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}, head, input);
  }
  [[nodiscard]] bool put(const Sent& sent, size_t input = 0) {
    const HeldFrame held(sent);
    return put(held.frame().payload(), held.frame(), input);
  }
  bool flush(size_t input = 0) { return writers_[input]->flush(); }
  bool mark(const Mark& mark) { return writers_[0]->put(mark, 0) && flush(); }
  void close() {
    for (auto& ring : in_) ring->close();
  }

  Poll poll(uint64_t mono_ns = 0) {
    const Poll result = stage_->poll({.mono_ns = mono_ns, .wall_ns = 0});
    EXPECT_TRUE(stage_->balance().even());
    return result;
  }
  // Takes at most `batches` from the stage's ring.
  void take(unsigned batches) {
    while (batches-- != 0) {
      Batch* batch = out_.pop();
      if (batch == nullptr) return;
      if (batch->mark) marks.push_back(batch->mark.number);
      for_each_record<Event>(*batch, [&](const Event& event) {
        events.push_back(event);
        const auto bytes = event.bytes();
        payloads.emplace_back(bytes.begin(), bytes.end());
        if (event.kind != EventKind::dnstap) lines.push_back(to_line(event));
        units += event.units;
      });
      out_.release(batch);
    }
  }
  void run_to_end() {
    for (size_t i = 0; i < in_.size(); ++i)
      while (!writers_[i]->flush()) {
        poll();
        take(1);
      }
    close();
    for (Poll result = Poll::idle; result != Poll::done;) {
      result = poll();
      take(1);
    }
    take(1'000);
  }

  DecodeStage& stage() { return *stage_; }
  Ring& in(size_t i = 0) { return *in_[i]; }
  Ring& out() { return out_; }

  std::vector<Event> events;
  std::vector<std::vector<uint8_t>> payloads;  // the bytes behind each
  std::vector<std::string> lines;              // of those from packets
  std::vector<uint64_t> marks;
  uint64_t units = 0;

 private:
  std::vector<std::unique_ptr<BatchPool>> pools_;
  std::vector<std::unique_ptr<Ring>> in_;
  std::vector<std::unique_ptr<BatchWriter>> writers_;
  Ring out_;
  std::unique_ptr<DecodeStage> stage_;
};

// Keeps every sample by name and the values of its labels.
class Samples : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    keep(name, help, labels, value);
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    keep(name, help, labels, value);
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}

  double at(const std::string& key) const {
    auto found = values_.find(key);
    if (found == values_.end()) ADD_FAILURE() << "no sample " << key;
    return found == values_.end() ? -1 : found->second;
  }

 private:
  void keep(std::string_view name, std::string_view help, const Labels& labels, double value) {
    std::string key(name);
    for (const Label& label : labels) key += " " + label.value;
    EXPECT_FALSE(help.empty()) << key;
    EXPECT_TRUE(values_.emplace(key, value).second) << key << " twice";
  }
  std::map<std::string, double> values_;
};

Samples samples(const Stage& stage) {
  Samples s;
  stage.describe(s);
  return s;
}

TEST(DecodeStage, DnstapFrameBecomesAnEventWithItsPayload) {
  Street street;
  Frame head;
  head.arrival_ns = 77;
  head.input = 5;
  head.src.addr = *parse_addr("192.0.2.9");
  head.src.has_port = true;
  head.src.port = 4711;
  ASSERT_TRUE(street.put(kDnstap, head));
  street.run_to_end();
  ASSERT_EQ(street.events.size(), 1U);
  const Event& e = street.events[0];
  EXPECT_EQ(e.kind, EventKind::dnstap);
  EXPECT_EQ(e.type, 5);
  EXPECT_EQ(e.arrival_ns, 77U);
  EXPECT_EQ(e.input, 5);
  EXPECT_EQ(to_string(e.peer), "192.0.2.9:4711");
  EXPECT_EQ(e.units, 1);
  EXPECT_EQ(std::string(street.payloads[0].begin(), street.payloads[0].end()), kDnstap);
  EXPECT_TRUE(street.out().ended());
}

TEST(DecodeStage, BadFramesAreCountedByReason) {
  Street street;
  ASSERT_TRUE(street.put("\x07"));
  ASSERT_TRUE(street.put("\x78\x02"));
  ASSERT_TRUE(street.put(kDnstap));
  ASSERT_TRUE(street.put("\x78\x01\x72\x07\x08\x05\x52\x03xyz"));  // a DNS message of three bytes
  street.run_to_end();
  EXPECT_EQ(street.events.size(), 2U);
  const Samples s = samples(street.stage());
  EXPECT_EQ(s.at("weir_decode_units_total 3"), 4);
  EXPECT_EQ(s.at("weir_decode_events_total 3"), 2);
  EXPECT_EQ(s.at("weir_decode_drops_total 3 reject dnstap_malformed"), 1);
  EXPECT_EQ(s.at("weir_decode_drops_total 3 reject dnstap_not_message"), 1);
  EXPECT_EQ(s.at("weir_decode_malformed_total 3 header_short"), 1);
}

TEST(DecodeStage, EventThatFitsNoBatchIsCounted) {
  Street street({}, {.batch_bytes = 1024, .large_bytes = 4096});
  const std::string big = kDnstap + "\x0a\x80\x20" + std::string(4096, 'i');
  ASSERT_TRUE(street.put(big));
  ASSERT_TRUE(street.put(kDnstap));
  ASSERT_TRUE(street.put(kDnstap + "\x0a\x80\x10" + std::string(2048, 'i')));
  street.run_to_end();
  EXPECT_EQ(street.events.size(), 2U);
  EXPECT_EQ(samples(street.stage()).at("weir_decode_drops_total 3 drop event_too_large"), 1);
}

TEST(DecodeStage, WaitsForRoomAndLosesNothing) {
  Street street({.ring = 8}, {.ring = 1, .pool = 2, .batch_bytes = sizeof(Event) + 16});
  size_t put = 0;
  while (street.put(kDnstap)) ++put;
  ASSERT_GT(put, 100U);
  Poll result = Poll::busy;
  for (int i = 0; i < 5; ++i) result = street.poll();
  EXPECT_EQ(result, Poll::idle);  // nobody takes
  EXPECT_GT(street.stage().balance().in_flight, 0U);
  street.run_to_end();
  EXPECT_EQ(street.events.size(), put);
}

TEST(DecodeStage, BatchesGoBackToTheirRings) {
  Street street({.inputs = 2, .pool = 1});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(street.put(kDnstap, {}, 0));
    ASSERT_TRUE(street.put(kDnstap, {}, 1));
    ASSERT_TRUE(street.flush(0));
    ASSERT_TRUE(street.flush(1));
    street.poll();
    street.take(10);
  }
  street.run_to_end();
  EXPECT_EQ(street.events.size(), 20U);
}

TEST(DecodeStage, AbandonCountsAllThatIsHeld) {
  Street street({.inputs = 2}, {.ring = 1, .pool = 2, .batch_bytes = 2 * sizeof(Event) + 32});
  uint64_t put = 0;
  for (size_t input = 0; input < 2; ++input) {
    while (street.put(kDnstap, {}, input)) ++put;
  }
  for (int i = 0; i < 3; ++i) street.poll();
  const uint64_t waiting = street.in(0).depth() + street.in(1).depth();
  ASSERT_GT(waiting, 0U);
  street.stage().abandon();
  const Balance balance = street.stage().balance();
  EXPECT_TRUE(balance.even());
  EXPECT_EQ(balance.in_flight, 0U);
  EXPECT_EQ(balance.out, street.out().pushed());
  EXPECT_EQ(street.in(0).depth() + street.in(1).depth(), 0U);
  EXPECT_EQ(samples(street.stage()).at("weir_decode_drops_total 3 drop decode_shutdown"),
            static_cast<double>(balance.in - balance.out));
}

TEST(DecodeStage, TinyRingsAndPoolsKeepTheBalanceOnRealData) {
  std::vector<std::vector<uint8_t>> payloads;
  for (const auto& file : files_below(test_data("dnstap"), ".fstrm"))
    for (auto& payload : fstrm_payloads(file)) payloads.push_back(std::move(payload));
  ASSERT_GT(payloads.size(), 1'000U);
  std::minstd_rand random(3);
  Street street({.inputs = 3, .ring = 1, .pool = 2}, {.ring = 1, .pool = 1, .batch_bytes = 700});
  for (const auto& payload : payloads) {
    const size_t input = random() % 3;
    while (!street.put(payload, {}, input)) {
      street.poll();
      if (random() % 2 == 0) street.take(1);
    }
    if (random() % 8 == 0) street.poll();
  }
  street.run_to_end();
  EXPECT_EQ(street.events.size(), payloads.size());
  std::sort(payloads.begin(), payloads.end());
  std::sort(street.payloads.begin(), street.payloads.end());
  EXPECT_EQ(street.payloads, payloads);
}

TEST(DecodeStage, TinyRingsAndPoolsKeepTheBalanceOfPairs) {
  std::minstd_rand random(4);
  Street street({.inputs = 3, .ring = 1, .pool = 2}, {.ring = 1, .pool = 1, .batch_bytes = 700},
                {.table_entries = 16});
  Frame head;
  head.pair = true;
  uint64_t put = 0;
  for (const auto& file : files_below(test_data("dnstap"), ".fstrm")) {
    for (const auto& payload : fstrm_payloads(file)) {
      const size_t input = random() % 3;
      while (!street.put(payload, head, input)) {
        street.poll();
        if (random() % 2 == 0) street.take(1);
      }
      ++put;
      if (random() % 8 == 0) street.poll();
    }
  }
  street.run_to_end();
  EXPECT_EQ(street.units, put);
  const auto joined = static_cast<uint64_t>(samples(street.stage()).at("weir_pair_joined_total 3"));
  EXPECT_GT(joined, 100U);
  EXPECT_EQ(street.events.size(), put - joined);
}

TEST(DecodeStage, FrameThatCannotBePairedIsWrittenAtOnce) {
  Street street;
  Frame head;
  head.pair = true;
  ASSERT_TRUE(street.put(kDnstap, head));  // no DNS message
  ASSERT_TRUE(street.put("\x07", head));
  street.flush();
  street.poll();
  street.take(1);
  EXPECT_EQ(street.events.size(), 1U);
  EXPECT_EQ(samples(street.stage()).at("weir_decode_drops_total 3 reject dnstap_malformed"), 1);
  street.run_to_end();
}

TEST(DecodeStage, LiveDnstapQueryIsWrittenWhenItsTimeIsOverAndNothingComes) {
  Street street;
  const Told query = {.live = true};
  ASSERT_TRUE(street.put(payload_of(query), head_of(query)));
  street.flush();
  street.poll();
  EXPECT_EQ(street.stage().balance().in_flight, 1U);
  street.poll(5'200 * kMs);
  street.take(1);
  EXPECT_EQ(street.events.size(), 1U);
  EXPECT_EQ(street.stage().balance().in_flight, 0U);
  street.run_to_end();
}

TEST(DecodeStage, BusyInputDoesNotHoldUpTheTimeOutsOfASilentOne) {
  Street street;
  const Told query = {.input = 1, .live = true};
  ASSERT_TRUE(street.put(payload_of(query), head_of(query)));
  street.flush();
  EXPECT_EQ(street.poll(), Poll::busy);
  Frame busy;
  busy.arrival_ns = 5'200 * kMs;
  ASSERT_TRUE(street.put(kDnstap, busy));
  street.flush();
  EXPECT_EQ(street.poll(5'200 * kMs), Poll::busy);
  EXPECT_EQ(samples(street.stage()).at("weir_pair_timeouts_total 3 query"), 1);
  street.run_to_end();
}

TEST(DecodeStage, AbandonCountsDnstapThatWaits) {
  Street street;
  for (uint16_t id = 0; id < 3; ++id) ASSERT_TRUE(street.put(payload_of({.id = id}), head_of({})));
  street.flush();
  street.poll();
  EXPECT_EQ(samples(street.stage()).at("weir_pair_entries 3"), 3);
  street.stage().abandon();
  EXPECT_TRUE(street.stage().balance().even());
  EXPECT_EQ(street.stage().balance().in_flight, 0U);
  EXPECT_EQ(samples(street.stage()).at("weir_decode_drops_total 3 drop decode_shutdown"), 3);
}

// Two hundred clients that ask every millisecond; some answers are lost, some come twice, some first.
std::vector<Sent> mirrored_traffic() {
  std::vector<Sent> packets;
  for (uint64_t i = 0; i < 2'000; ++i) {
    Sent query = {.us = i * 1'000, .id = static_cast<uint16_t>(i * 7)};
    query.client_port = static_cast<uint16_t>(1'024 + i % 200);
    query.qname = "host" + std::to_string(i % 300) + ".example";
    Sent response = query;
    response.us += 300 + i % 3 * 5'000;
    response.response = true;
    response.rest = i % 5 == 0 ? std::string(200, '\0') : "";
    packets.push_back(query);
    if (i % 10 != 0) packets.push_back(response);
    if (i % 10 == 1) packets.push_back(response);
    if (i % 10 == 2) std::swap(packets[packets.size() - 1], packets[packets.size() - 2]);
  }
  return packets;
}

TEST(DecodeStage, MirroredPacketsGiveTheSameEventsHoweverTheyAreSplit) {
  const std::vector<Sent> packets = mirrored_traffic();
  const DecodeOptions options = {.match_timeout_ms = 400, .reorder_ms = 20, .table_entries = 64};
  const Outcome expected = outcome_of(packets, options);
  ASSERT_GT(expected.lines.size(), 1'900U);
  for (const size_t batch_bytes : {700U, 4'096U, 65'536U}) {
    Street street({.ring = 2, .pool = 3, .batch_bytes = batch_bytes},
                  {.ring = 1, .pool = 2, .batch_bytes = 900}, options);
    std::minstd_rand random(static_cast<unsigned>(batch_bytes));
    for (const Sent& packet : packets) {
      while (!street.put(packet)) {
        street.poll();
        if (random() % 2 == 0) street.take(1);
      }
      if (random() % 9 == 0) street.flush();
      if (random() % 9 == 0) street.poll();
    }
    street.run_to_end();
    EXPECT_EQ(street.lines, expected.lines) << batch_bytes;
    uint64_t dropped = 0;
    for (const auto& [drop, units] : expected.drops) dropped += units;
    EXPECT_EQ(street.units + dropped, packets.size());
    EXPECT_EQ(street.stage().balance().drops, dropped);
  }
}

TEST(DecodeStage, LiveQueryIsWrittenWhenItsTimeIsOverAndNothingComes) {
  Street street;
  Sent query;
  query.live = true;
  ASSERT_TRUE(street.put(query));
  street.flush();
  street.poll();
  EXPECT_EQ(street.stage().balance().in_flight, 1U);
  street.poll(5'000 * kMs);
  EXPECT_EQ(street.stage().balance().in_flight, 1U);
  street.poll(5'200 * kMs);
  street.take(1);
  EXPECT_EQ(street.lines.size(), 1U);
  EXPECT_EQ(street.stage().balance().in_flight, 0U);
  street.run_to_end();
}

TEST(DecodeStage, AbandonCountsTheMatchTable) {
  Street street;
  for (uint16_t id = 0; id < 3; ++id) ASSERT_TRUE(street.put(Sent{.id = id}));
  street.flush();
  street.poll();
  EXPECT_EQ(samples(street.stage()).at("weir_match_entries 3"), 3);
  street.stage().abandon();
  EXPECT_TRUE(street.stage().balance().even());
  EXPECT_EQ(street.stage().balance().in_flight, 0U);
  EXPECT_EQ(samples(street.stage()).at("weir_decode_drops_total 3 drop decode_shutdown"), 3);
}

using Numbers = std::vector<uint64_t>;

TEST(DecodeStage, MarkPassesBehindTheEventsBeforeIt) {
  Street street;
  Counter arrived;
  ASSERT_TRUE(street.put(kDnstap));
  ASSERT_TRUE(street.mark({.arrived = &arrived, .number = 1}));
  street.poll();
  street.poll();
  street.take(2);
  EXPECT_EQ(street.events.size(), 1U);
  EXPECT_EQ(street.marks, Numbers{1});
  street.run_to_end();
}

TEST(DecodeStage, MarkWaitsForWhatWaitsOfItsInputFromBeforeIt) {
  Street street;
  Counter arrived;
  ASSERT_TRUE(street.put(Sent{.us = 0, .id = 1, .input = 4}));
  ASSERT_TRUE(street.mark({.arrived = &arrived, .number = 1, .input = 4}));
  ASSERT_TRUE(street.put(Sent{.us = 1'000, .id = 2, .input = 4}));
  ASSERT_TRUE(street.mark({.arrived = &arrived, .number = 2, .input = 4}));
  for (int i = 0; i < 4; ++i) street.poll();
  street.take(4);
  EXPECT_TRUE(street.marks.empty());
  ASSERT_TRUE(street.put(Sent{.us = 2'000, .response = true, .id = 1, .input = 4}));
  street.flush();
  for (int i = 0; i < 4; ++i) street.poll();
  street.take(4);
  EXPECT_EQ(street.lines.size(), 1U);
  EXPECT_EQ(street.marks, Numbers{1}) << "the second query came behind it";
  street.run_to_end();
  EXPECT_EQ(street.marks, (Numbers{1, 2}));
}

TEST(DecodeStage, MarkOfAnotherInputDoesNotWait) {
  Street street;
  Counter arrived;
  ASSERT_TRUE(street.put(Sent{.input = 4}));
  ASSERT_TRUE(street.mark({.arrived = &arrived, .number = 1, .input = 5}));
  for (int i = 0; i < 3; ++i) street.poll();
  street.take(4);
  EXPECT_EQ(street.marks, Numbers{1});
  street.run_to_end();
}

TEST(DecodeStage, MarkThatFlushesWritesWhatWaitsOfItsInput) {
  Street street;
  Counter arrived;
  Frame pair;
  pair.pair = true;
  pair.input = 4;
  ASSERT_TRUE(street.put(Sent{.id = 1, .input = 4}));
  ASSERT_TRUE(street.put(Sent{.id = 2, .input = 5}));
  ASSERT_TRUE(street.put(fstrm_payloads(test_data("dnstap/kdig-one.fstrm")).at(0), pair));
  ASSERT_TRUE(street.mark({.arrived = &arrived, .number = 1, .input = 4, .flush = true}));
  for (int i = 0; i < 3; ++i) street.poll();
  street.take(4);
  EXPECT_EQ(street.events.size(), 2U);
  EXPECT_EQ(street.stage().balance().in_flight, 1U) << "of the other input";
  EXPECT_EQ(street.marks, Numbers{1});
  street.run_to_end();
}

TEST(DecodeStage, MarksWaitForRoomInTheirOrder) {
  Street street({}, {.ring = 1, .pool = 2});
  Counter arrived;
  Numbers sent;
  for (uint64_t n = 1; n <= 40; ++n) {
    ASSERT_TRUE(street.put(kDnstap));
    ASSERT_TRUE(street.mark({.arrived = &arrived, .number = n}));
    sent.push_back(n);
    street.poll();
    if (n % 3 == 0) street.poll(n);
    street.take(1);
  }
  street.run_to_end();
  EXPECT_EQ(street.events.size(), 40U);
  EXPECT_TRUE(std::is_sorted(street.marks.begin(), street.marks.end()));
  EXPECT_EQ(street.marks.back(), 40U);
}

TEST(DecodeStage, MatchTableShowsWhatItDoes) {
  Street street({}, {}, {.table_entries = 2});
  const Sent first = {.us = 0, .id = 1};
  for (const Sent& sent : {first, first, Sent{.us = 1, .id = 2}, Sent{.us = 2, .id = 3},
                           Sent{.us = 3, .response = true, .id = 3}, Sent{.us = 9'000'000, .id = 4}})
    ASSERT_TRUE(street.put(sent));
  street.run_to_end();
  const Samples s = samples(street.stage());
  EXPECT_EQ(s.at("weir_match_entries 3"), 0);
  EXPECT_EQ(s.at("weir_match_capacity 3"), 2);
  EXPECT_EQ(s.at("weir_match_transactions_total 3"), 1);
  EXPECT_EQ(s.at("weir_match_retransmissions_total 3"), 1);
  EXPECT_EQ(s.at("weir_match_timeouts_total 3 query"), 1);
  EXPECT_EQ(s.at("weir_match_evictions_total 3 table_full"), 1);
  EXPECT_EQ(s.at("weir_match_evictions_total 3 same_key"), 0);
  EXPECT_EQ(s.at("weir_match_comparisons_total 3"), 2);  // the query again, and the answer
}

}  // namespace
}  // namespace weir
