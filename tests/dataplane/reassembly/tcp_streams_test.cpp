#include "dataplane/reassembly/tcp_streams.h"

#include <gtest/gtest.h>

#include "tests/dataplane/reassembly/tcp_tap.h"

namespace weir::tcp {
namespace {

using Messages = std::vector<std::string>;

const std::string kA = query(40, 'a');
const std::string kB = query(60, 'b');
const std::string kC = query(1200, 'c');

class TcpStreamsTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(tap_.balanced());
    tap_.flush();
    EXPECT_TRUE(tap_.balanced());
    EXPECT_EQ(tap_.held(), 0U);
  }
  // The SYNs of both and the first ACK; the client's first byte is 1000, the server's 5000.
  void open() {
    tap_.client({.seq = 999, .flags = kSyn});
    tap_.server({.seq = 4999, .flags = kSyn | kAck, .ack = 1000});
    tap_.client({.seq = 1000, .ack = 5000});
    EXPECT_EQ(tap_.drops(Drop::tcp_no_data), 3U);
  }
  void expect(const Messages& messages) { EXPECT_EQ(tap_.messages(), messages); }
  void expect_drops(Drop drop, uint64_t units) { EXPECT_EQ(tap_.drops(drop), units) << drop_info(drop).name; }

  TcpTap tap_;
};

TEST_F(TcpStreamsTest, ReadsAMessageInPlace) {
  open();
  const std::string payload = framed(kA);
  TcpStreams streams({}, 1);
  DropCounters drops;
  Segment segment{endpoint(1, 40'000), endpoint(53, 53), 9, 1, 0, kAck, {}, 0};
  segment.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
  segment.wire_len = static_cast<uint32_t>(payload.size());
  streams.take(segment, 5, drops);
  const StreamMessage* message = streams.front();
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->bytes.data(), segment.payload.data() + 2);
  EXPECT_EQ(message->bytes.size(), kA.size());
  EXPECT_EQ(message->wire_len, kA.size());
  EXPECT_EQ(message->units, 1U);
  EXPECT_EQ(message->time_ns, 5U);
  EXPECT_EQ(message->flow, 9U);
  EXPECT_EQ(message->src, segment.src);
  EXPECT_EQ(message->dst, segment.dst);
  EXPECT_EQ(streams.held_units(), 1U);
  streams.pop();
  EXPECT_EQ(streams.front(), nullptr);
  EXPECT_EQ(streams.held_units(), 0U);
}

TEST_F(TcpStreamsTest, ReadsManyMessagesOfASegment) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA) + framed(kB) + framed(kC)});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[1].bytes, kB);
  EXPECT_EQ(got[2].bytes, kC);
  EXPECT_EQ(got[0].units, 1U);
  EXPECT_EQ(got[1].units, 0U);
  EXPECT_EQ(got[2].units, 0U);
}

TEST_F(TcpStreamsTest, ReadsAMessageOfManySegments) {
  open();
  const std::string bytes = framed(kA) + framed(kC) + framed(kB);
  for (size_t at = 0; at < bytes.size(); ++at) {
    tap_.time_ns += 1000;
    tap_.client({.seq = 1000 + static_cast<uint32_t>(at), .payload = bytes.substr(at, 1)});
  }
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[1].bytes, kC);
  EXPECT_EQ(got[0].units, 42U);
  EXPECT_EQ(got[1].units, 1202U);
  EXPECT_EQ(got[2].units, 62U);
  EXPECT_EQ(got[2].time_ns, tap_.time_ns);
}

TEST_F(TcpStreamsTest, GivesAUnitToTheFirstMessageItCompletes) {
  open();
  const std::string bytes = framed(kA) + framed(kB);
  tap_.client({.seq = 1000, .payload = bytes.substr(0, 50)});  // A and the start of B
  tap_.client({.seq = 1050, .payload = bytes.substr(50)});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].units, 1U);
  EXPECT_EQ(got[1].units, 1U);
}

TEST_F(TcpStreamsTest, PutsSegmentsInOrder) {
  open();
  const std::string bytes = framed(kA) + framed(kC);
  tap_.client({.seq = 1800, .payload = bytes.substr(800)});
  tap_.client({.seq = 1300, .payload = bytes.substr(300, 500)});
  EXPECT_EQ(tap_.held(), 2U);
  expect({});
  tap_.client({.seq = 1000, .payload = bytes.substr(0, 300)});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[0].units, 1U);
  EXPECT_EQ(got[1].bytes, kC);
  EXPECT_EQ(got[1].units, 2U);
}

TEST_F(TcpStreamsTest, ReadsBothDirections) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA) + framed(kB), .ack = 5000});
  tap_.server({.seq = 5000, .payload = framed(kB) + framed(kA), .ack = 1104});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[1].src, endpoint(1, 40'000));
  EXPECT_EQ(got[2].bytes, kB);
  EXPECT_EQ(got[2].src, endpoint(53, 53));
}

TEST_F(TcpStreamsTest, CountsRetransmissions) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA)});
  tap_.client({.seq = 1000, .payload = framed(kA)});
  tap_.client({.seq = 1041, .payload = "x"});  // keep-alive with a byte
  tap_.client({.seq = 1041});                  // and without
  expect({kA});
  expect_drops(Drop::tcp_duplicate, 2);
  expect_drops(Drop::tcp_no_data, 4);
}

TEST_F(TcpStreamsTest, KeepsTheBytesSeenFirst) {
  open();
  const std::string bytes = framed(kA);
  tap_.client({.seq = 1010, .payload = bytes.substr(10, 10)});
  tap_.client({.seq = 1030, .payload = bytes.substr(30, 5)});
  tap_.client({.seq = 1012, .payload = "XXXX"});
  expect_drops(Drop::tcp_duplicate, 1);
  std::string rest = bytes;
  rest.replace(10, 10, 10, 'X');
  rest.replace(30, 5, 5, 'X');
  tap_.client({.seq = 1000, .payload = rest});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[0].units, 3U);
}

TEST_F(TcpStreamsTest, WrapsAround) {
  tap_.client({.seq = 0xffffffef, .flags = kSyn});
  const std::string bytes = framed(kA) + framed(kB);
  tap_.client({.seq = 0xfffffff0 + 30, .payload = bytes.substr(30)});
  tap_.client({.seq = 0xfffffff0, .payload = bytes.substr(0, 30)});
  tap_.client({.seq = 0xfffffff0, .payload = bytes.substr(0, 30)});
  expect({kA, kB});
  expect_drops(Drop::tcp_duplicate, 1);
}

TEST_F(TcpStreamsTest, ReadsDataInTheSyn) {
  tap_.client({.seq = 999, .payload = framed(kA), .flags = kSyn});
  tap_.server({.seq = 4999, .payload = framed(kB), .flags = kSyn | kAck, .ack = 1042});
  tap_.client({.seq = 1042, .payload = framed(kC)});
  expect({kA, kB, kC});
}

TEST_F(TcpStreamsTest, MeasuresTheSetup) {
  tap_.client({.seq = 999, .flags = kSyn});
  tap_.time_ns += 10;
  tap_.client({.seq = 999, .flags = kSyn});
  tap_.server({.seq = 4999, .flags = kSyn | kAck, .ack = 1000});
  tap_.time_ns += 20;
  tap_.client({.seq = 1000, .payload = framed(kA), .ack = 5000});
  tap_.time_ns += 20;
  tap_.server({.seq = 5000, .payload = framed(kB), .ack = 1042});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_TRUE(got[0].has_setup);
  EXPECT_EQ(got[0].setup_ns, 30U);
  EXPECT_EQ(got[1].setup_ns, 30U);
}

// Gaps.

TEST_F(TcpStreamsTest, GivesAGapUpAfterItsTime) {
  open();
  const std::string bytes = framed(kC);
  tap_.client({.seq = 1000, .payload = bytes.substr(0, 500)});
  tap_.client({.seq = 2202, .payload = framed(kA) + framed(kB)});
  tap_.time_ns += 2 * kSecond - 1;
  tap_.take(endpoint(2, 1), endpoint(53, 53), {.flags = kSyn});
  expect({});
  EXPECT_EQ(tap_.held(), 2U);
  tap_.time_ns += 1;
  tap_.take(endpoint(2, 2), endpoint(53, 53), {.flags = kSyn});  // of another stream
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[0].units, 1U);
  EXPECT_EQ(got[0].time_ns, 100 * kSecond);
  EXPECT_EQ(got[1].bytes, kB);
  expect_drops(Drop::tcp_gap, 1);
  tap_.client({.seq = 1500, .payload = bytes.substr(500)});  // too late
  expect_drops(Drop::tcp_duplicate, 1);
  tap_.client({.seq = 2306, .payload = framed(kA)});
  expect({kA});
}

TEST_F(TcpStreamsTest, GivesAGapUpThatIsAcknowledged) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 500)});
  tap_.server({.seq = 5000, .ack = 2202});
  EXPECT_EQ(tap_.held(), 1U);  // the rest may only be late
  tap_.client({.seq = 2202, .payload = framed(kA)});
  expect({kA});
  expect_drops(Drop::tcp_gap, 1);
  EXPECT_EQ(tap_.held(), 0U);
}

TEST_F(TcpStreamsTest, GivesAGapUpWhenTheAcknowledgementFollows) {
  open();
  tap_.client({.seq = 1500, .payload = framed(kA)});
  tap_.server({.seq = 5000, .ack = 1400});  // part of what is missing
  expect({});
  tap_.server({.seq = 5000, .ack = 1542});
  expect({kA});
  expect_drops(Drop::tcp_gap, 0);  // nothing was in progress
}

TEST_F(TcpStreamsTest, AnUnfinishedMessageIsGivenUpWhenItsRestWasAcknowledgedLongAgo) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 500)});
  tap_.server({.seq = 5000, .ack = 2202});
  tap_.time_ns += 2 * kSecond;
  tap_.server({.seq = 5000, .ack = 2202});
  expect_drops(Drop::tcp_gap, 1);
  tap_.client({.seq = 2202, .payload = framed(kA)});
  expect({kA});
}

TEST_F(TcpStreamsTest, WaitsForAPauseWithinAMessage) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 500)});
  tap_.time_ns += 60 * kSecond;
  tap_.client({.seq = 1500, .payload = framed(kC).substr(500)});
  expect({kC});
}

TEST_F(TcpStreamsTest, FindsTheNextMessageWithinASegment) {
  open();
  const std::string bytes = framed(kC) + framed(kA) + framed(kB);
  tap_.client({.seq = 1000, .payload = bytes.substr(0, 400)});
  tap_.client({.seq = 1800, .payload = bytes.substr(800, 100)});
  tap_.client({.seq = 1900, .payload = bytes.substr(900)});
  tap_.server({.seq = 5000, .ack = 2000});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[0].units, 1U);
  EXPECT_EQ(got[1].bytes, kB);
  expect_drops(Drop::tcp_gap, 1);
  expect_drops(Drop::tcp_not_dns, 1);
}

TEST_F(TcpStreamsTest, FindsTheNextMessageFarBehindAGap) {
  open();
  const std::string bytes = std::string(5000, 'x') + framed(query(4000, 'l')) + framed(kA);
  for (uint32_t at = 0; at < bytes.size(); at += 1000)
    tap_.client({.seq = 1001 + at, .payload = bytes.substr(at, 1000)});
  tap_.server({.seq = 5000, .ack = 1001});
  expect({query(4000, 'l'), kA});
  expect_drops(Drop::tcp_not_dns, 5);
}

// Streams whose start was not captured.

TEST_F(TcpStreamsTest, ReadsAStreamWithoutASyn) {
  tap_.client({.seq = 77, .payload = framed(kA) + framed(kB)});
  tap_.server({.seq = 88, .payload = "the end of something" + framed(kA)});
  expect({kA, kB, kA});
  tap_.server({.seq = 88 + 62, .payload = framed(kB).substr(0, 20)});
  tap_.server({.seq = 88 + 82, .payload = framed(kB).substr(20)});
  expect({kB});
}

TEST_F(TcpStreamsTest, ReadsALengthInASegmentOfItsOwnWithoutASyn) {
  tap_.client({.seq = 77, .payload = framed(kA).substr(0, 2)});
  tap_.client({.seq = 79, .payload = kA});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, kA);
  EXPECT_EQ(got[0].units, 2U);
}

TEST_F(TcpStreamsTest, ReadsWhatTheFirstSegmentOvertookWithoutASyn) {
  const std::string stream = framed(kA) + framed(kB) + framed(kC);
  const auto send = [&](uint32_t from, size_t len) {
    tap_.client({.seq = 1000 + from, .payload = stream.substr(from, len)});
  };
  send(104, 100);  // the start of the last message
  send(42, 62);
  expect({kB});
  send(42, 62);
  expect_drops(Drop::tcp_duplicate, 1);
  send(204, 2000);
  expect({kC});
  send(0, 42);  // too late: what is behind it was read
  expect({});
  EXPECT_EQ(tap_.dropped(), 2U);
}

TEST_F(TcpStreamsTest, DoesNotReadWhatComesLongAfterTheFirstSegmentWithoutASyn) {
  const std::string stream = framed(kA) + framed(kB);
  tap_.client({.seq = 1042, .payload = stream.substr(42, 30)});
  tap_.time_ns += kSecond;
  tap_.client({.seq = 1000, .payload = stream.substr(0, 42)});
  expect({});
  expect_drops(Drop::tcp_duplicate, 1);
}

TEST_F(TcpStreamsTest, SaysWhereNothingIsFound) {
  tap_.client({.seq = 77, .payload = "GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"});
  tap_.client({.seq = 114, .payload = std::string(1400, '\0')});
  expect_drops(Drop::tcp_not_dns, 2);
  EXPECT_EQ(tap_.held(), 0U);
}

TEST_F(TcpStreamsTest, ALengthThatIsTooShortIsNotDns) {
  open();
  tap_.client({.seq = 1000, .payload = std::string("\0\x0b", 2) + std::string(40, 'x')});
  expect_drops(Drop::tcp_not_dns, 1);
  tap_.client({.seq = 1042, .payload = framed(kA)});
  expect({kA});
}

// Segments that the capture cut.

TEST_F(TcpStreamsTest, DeliversTheStartOfACutMessage) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA) + framed(kC), .cut = 1000});
  auto got = tap_.got();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[1].bytes, kC.substr(0, 200));
  EXPECT_EQ(got[1].wire_len, kC.size());
  EXPECT_EQ(got[1].units, 0U);
  tap_.client({.seq = 2244, .payload = framed(kB)});  // ended just there
  expect({kB});
}

TEST_F(TcpStreamsTest, ResynchronisesBehindACutInWhichAMessageBegins) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC) + framed(kA), .cut = 100});
  auto got = tap_.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, kC.substr(0, 1142));
  tap_.client({.seq = 2244, .payload = "rest" + framed(kB)});
  expect({kB});
}

TEST_F(TcpStreamsTest, DeliversAMessageOfCutSegmentsOnce) {
  open();
  const std::string bytes = framed(kC);
  tap_.client({.seq = 1000, .payload = bytes.substr(0, 700), .cut = 600});
  expect({});
  tap_.client({.seq = 1700, .payload = bytes.substr(700), .cut = 400});
  const auto got = tap_.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, kC.substr(0, 98));
  EXPECT_EQ(got[0].wire_len, kC.size());
  EXPECT_EQ(got[0].units, 2U);
  tap_.client({.seq = 2202, .payload = framed(kA)});
  expect({kA});
}

TEST_F(TcpStreamsTest, ACutWithoutAByteOfTheMessageIsAGap) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA), .cut = 40});
  expect({});
  expect_drops(Drop::tcp_gap, 1);
  tap_.client({.seq = 1042, .payload = framed(kA), .cut = 42});
  expect_drops(Drop::tcp_gap, 2);
  tap_.client({.seq = 1084, .payload = framed(kA), .cut = 41});
  EXPECT_EQ(tap_.held() + tap_.drops(Drop::tcp_gap) + tap_.drops(Drop::tcp_not_dns), 3U);
  tap_.client({.seq = 1126, .payload = framed(kA)});
  expect({kA});
}

// Ends.

TEST_F(TcpStreamsTest, AFinEndsAnUnfinishedMessage) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kA) + framed(kC).substr(0, 100), .flags = kFin | kAck});
  expect({kA});
  expect_drops(Drop::tcp_unfinished, 0);  // its segment had completed a message
  EXPECT_EQ(tap_.held(), 0U);
}

TEST_F(TcpStreamsTest, AFinWaitsForWhatIsBeforeIt) {
  open();
  tap_.client({.seq = 1042, .flags = kFin | kAck});
  tap_.client({.seq = 1000, .payload = framed(kA)});
  expect({kA});
  tap_.server({.seq = 5000, .payload = framed(kC).substr(0, 100), .flags = kFin | kAck});
  expect_drops(Drop::tcp_unfinished, 1);
}

TEST_F(TcpStreamsTest, AClosedStreamKnowsRetransmissionsForAWhile) {
  open();
  const Seg last{.seq = 1000, .payload = framed(kA), .flags = kFin | kAck};
  tap_.client(last);
  tap_.server({.seq = 5000, .payload = framed(kB), .flags = kFin | kAck, .ack = 1043});
  tap_.client({.seq = 1043, .ack = 5063});
  expect({kA, kB});
  tap_.time_ns += 4 * kSecond;
  tap_.client(last);
  expect({});
  expect_drops(Drop::tcp_duplicate, 1);
  tap_.time_ns += 2 * kSecond;
  tap_.client(last);
  expect({kA});  // nothing is known of it any more
}

TEST_F(TcpStreamsTest, ARstEndsBothDirections) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.server({.seq = 5000, .payload = framed(kC).substr(0, 100)});
  tap_.server({.seq = 5300, .payload = framed(kA)});
  tap_.client({.seq = 1100, .flags = kRst});
  expect({kA});
  expect_drops(Drop::tcp_gap, 1);
  expect_drops(Drop::tcp_unfinished, 1);
  EXPECT_EQ(tap_.held(), 0U);
}

TEST_F(TcpStreamsTest, IgnoresARstAndASynFarAway) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.client({.seq = 1000 + (2U << 20U), .flags = kRst});
  tap_.client({.seq = 1099, .flags = kRst});
  tap_.client({.seq = 1000 + (2U << 20U), .flags = kSyn});
  expect_drops(Drop::tcp_no_data, 6);
  tap_.client({.seq = 0x8000'0000, .payload = framed(kA)});
  expect_drops(Drop::tcp_not_dns, 1);
  tap_.client({.seq = 1100, .payload = framed(kC).substr(100)});
  expect({kC});
}

TEST_F(TcpStreamsTest, AFarSegmentThatAnotherGoesOnFromIsANewConnection) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.client({.seq = 0x8000'0000, .payload = framed(kA)});
  tap_.client({.seq = 0x8000'0000 + 42, .payload = framed(kB)});
  expect({kB});
  expect_drops(Drop::tcp_not_dns, 1);
  expect_drops(Drop::tcp_gap, 1);
  tap_.client({.seq = 0x8000'0000 + 104, .payload = framed(kC).substr(0, 100)});
  tap_.client({.seq = 0x1000'0000, .flags = kSyn});
  tap_.client({.seq = 0x1000'0001, .payload = framed(kA)});
  expect({kA});
}

TEST_F(TcpStreamsTest, ANewSynEndsTheOldConnection) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.client({.seq = 1999, .flags = kSyn});
  expect_drops(Drop::tcp_unfinished, 1);
  tap_.client({.seq = 2000, .payload = framed(kA)});
  expect({kA});
  tap_.client({.seq = 0x8000'0000, .flags = kSyn});  // nothing is in progress: any number
  tap_.client({.seq = 0x8000'0001, .payload = framed(kB)});
  expect({kB});
}

TEST_F(TcpStreamsTest, AnIdleStreamEnds) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.time_ns += 120 * kSecond;
  tap_.take(endpoint(2, 1), endpoint(53, 53), {.flags = kSyn});
  expect_drops(Drop::tcp_unfinished, 1);
}

TEST_F(TcpStreamsTest, FlushReadsWhatIsBehindGaps) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 100)});
  tap_.client({.seq = 3000, .payload = framed(kA) + framed(kB)});
  tap_.server({.seq = 6000, .payload = framed(kB) + framed(kC).substr(0, 100)});
  tap_.flush();
  expect({kA, kB, kB});
  expect_drops(Drop::tcp_gap, 1);
  expect_drops(Drop::tcp_unfinished, 0);
  EXPECT_EQ(tap_.held(), 0U);
}

TEST_F(TcpStreamsTest, TimeMayJumpBack) {
  open();
  tap_.client({.seq = 1000, .payload = framed(kC).substr(0, 500)});
  tap_.time_ns -= 90 * kSecond;
  tap_.client({.seq = 1500, .payload = framed(kC).substr(500)});
  expect({kC});
  tap_.client({.seq = 3000, .payload = framed(kA)});
  tap_.time_ns += 2 * kSecond;
  tap_.client({.seq = 3042, .payload = framed(kB)});
  expect({kA, kB});
}

// What does not belong to a connection that is known makes none, unless it has data.
TEST_F(TcpStreamsTest, DoesNotRememberWhatHasNoData) {
  tap_.client({.seq = 1, .flags = kAck});
  tap_.client({.seq = 1, .flags = kFin | kAck});
  tap_.client({.seq = 1, .flags = kRst});
  tap_.client({.seq = 1, .payload = "text", .flags = kRst});
  expect_drops(Drop::tcp_no_data, 4);
  EXPECT_EQ(tap_.value("weir_tcp_streams"), 0);
  tap_.client({.seq = 1, .flags = kSyn});
  EXPECT_EQ(tap_.value("weir_tcp_streams"), 1);
}

// Limits.

TEST(TcpStreamsLimits, SweepsALittleAtATime) {
  TcpTap tap;
  for (uint32_t i = 0; i < 100; ++i) tap.take(endpoint(9, i), endpoint(53, 53), {.flags = kSyn});
  tap.time_ns += 1000 * kSecond;
  tap.client({.seq = 1});
  EXPECT_EQ(tap.value("weir_tcp_streams"), 68);
  for (uint32_t i = 0; i < 3; ++i) tap.client({.seq = 1});
  EXPECT_EQ(tap.value("weir_tcp_streams"), 0);
}

TEST(TcpStreamsLimits, AFloodOfSynsTakesNoPlaceFromData) {
  TcpTap tap({.streams = 8});
  tap.client({.seq = 999, .flags = kSyn});
  tap.client({.seq = 1000, .payload = framed(kC).substr(0, 600)});
  for (uint32_t i = 0; i < 1000; ++i)
    tap.take(endpoint(9, i), endpoint(53, 53), {.seq = i * 7919, .flags = kSyn});
  tap.client({.seq = 1600, .payload = framed(kC).substr(600)});
  EXPECT_EQ(tap.messages(), Messages{kC});
  EXPECT_EQ(tap.value("weir_tcp_streams"), 8);
  EXPECT_EQ(tap.drops(Drop::tcp_no_data), 1001U);
  EXPECT_TRUE(tap.balanced());
}

TEST(TcpStreamsLimits, ASynFindsNoPlaceWhereAllCarryData) {
  TcpTap tap({.streams = 1});
  tap.client({.seq = 1000, .payload = framed(kA)});
  tap.take(endpoint(9, 1), endpoint(53, 53), {.flags = kSyn});
  tap.client({.seq = 1000, .payload = framed(kA)});
  EXPECT_EQ(tap.drops(Drop::tcp_duplicate), 1U);
  tap.take(endpoint(9, 1), endpoint(53, 53), {.seq = 1, .payload = framed(kB)});
  EXPECT_EQ(tap.messages(), (Messages{kA, kB}));
}

TEST(TcpStreamsLimits, EvictsTheStreamIdleLongest) {
  TcpTap tap({.streams = 2});
  const std::string bytes = framed(kC);
  for (uint32_t port : {1U, 2U, 1U})
    tap.take(endpoint(9, port), endpoint(53, 53),
             {.seq = 5, .payload = port == 1 ? bytes.substr(0, 600) : bytes.substr(0, 14)});
  tap.take(endpoint(9, 3), endpoint(53, 53), {.seq = 5, .payload = framed(kA)});
  EXPECT_EQ(tap.drops(Drop::tcp_evicted), 1U);
  tap.take(endpoint(9, 1), endpoint(53, 53), {.seq = 605, .payload = bytes.substr(600)});
  EXPECT_EQ(tap.messages(), (Messages{kA, kC}));
  EXPECT_TRUE(tap.balanced());
}

TEST(TcpStreamsLimits, AGapIsGivenUpForTheStreamMemory) {
  TcpTap tap({.stream_memory = 1});
  const std::string message = framed(query(10'000, 'm'));
  tap.client({.seq = 0, .flags = kSyn});
  for (uint32_t i = 0; i < 40; ++i)
    tap.client({.seq = 2000 + i * static_cast<uint32_t>(message.size()), .payload = message});
  EXPECT_EQ(tap.messages().size(), 40U);
  EXPECT_EQ(tap.value("weir_tcp_gaps_total"), 1);
  EXPECT_EQ(tap.value("weir_tcp_resyncs_total"), 1);
  EXPECT_EQ(tap.value("weir_tcp_messages_total"), 40);
  EXPECT_TRUE(tap.balanced());
}

TEST(TcpStreamsLimits, GapsOfAllAreGivenUpForTheMemoryOldestFirst) {
  TcpTap tap({.memory = 1, .stream_memory = 1});
  const std::string message = framed(query(60'000, 'm'));
  for (uint32_t port = 1; port < 10; ++port) {
    tap.take(endpoint(9, port), endpoint(53, 53), {.seq = 0, .flags = kSyn});
    tap.take(endpoint(9, port), endpoint(53, 53), {.seq = 100, .payload = message});
  }
  const auto got = tap.got();
  ASSERT_EQ(got.size(), 7U);
  for (uint32_t i = 0; i < 7; ++i) EXPECT_EQ(got[i].src.port, i + 1);
  EXPECT_EQ(tap.value("weir_tcp_evictions_total"), 7);
  EXPECT_LE(tap.value("weir_tcp_memory_bytes"), tap.value("weir_tcp_memory_capacity_bytes"));
  EXPECT_TRUE(tap.balanced());
}

TEST(TcpStreamsLimits, UnfinishedMessagesAreEvictedForTheMemory) {
  TcpTap tap({.memory = 1, .stream_memory = 1});
  const std::string message = framed(query(60'000, 'm'));
  for (uint32_t port = 1; port < 10; ++port)
    tap.take(endpoint(9, port), endpoint(53, 53), {.seq = 0, .payload = message.substr(0, 50'000)});
  EXPECT_EQ(tap.drops(Drop::tcp_evicted), 7U);
  tap.take(endpoint(9, 9), endpoint(53, 53), {.seq = 50'000, .payload = message.substr(50'000)});
  EXPECT_EQ(tap.messages().size(), 1U);
  EXPECT_TRUE(tap.balanced());
}

TEST(TcpStreamsLimits, TheSmallestSegmentsOfTheLongestMessageFit) {
  TcpTap tap({.memory = 1, .stream_memory = 1});
  const std::string message = query(65'535, 'm');
  const std::string bytes = framed(message);
  tap.client({.seq = 0, .flags = kSyn});
  for (uint32_t i = 0; i < bytes.size(); ++i) tap.client({.seq = 1 + i, .payload = bytes.substr(i, 1)});
  const auto got = tap.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, message);
  EXPECT_EQ(got[0].units, 65'537U);
}

// Any order, any cuts.

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2 + 1) {}
  size_t roll(size_t sides) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<size_t>(state_ >> 33U) % sides;
  }

 private:
  uint64_t state_;
};

struct Sent {
  Messages messages;
  std::vector<Seg> segments;
};

// Messages in segments, which are cut anywhere, overlap, come twice, and up to `window` places late.
Sent random_stream(Dice& dice, uint32_t first, size_t window) {
  Sent sent;
  std::string bytes;
  for (size_t count = 1 + dice.roll(30); count != 0; --count) {
    const size_t len = dice.roll(10) == 0 ? 17 + dice.roll(5000) : 17 + dice.roll(100);
    sent.messages.push_back(query(len, static_cast<char>('a' + dice.roll(26))));
    bytes += framed(sent.messages.back());
  }
  for (size_t at = 0; at < bytes.size();) {
    const size_t len = 1 + dice.roll(dice.roll(2) == 0 ? 40 : 1460);
    const size_t back = dice.roll(4) == 0 ? std::min(at, dice.roll(100)) : 0;
    const Seg seg{.seq = first + static_cast<uint32_t>(at - back),
                  .payload = bytes.substr(at - back, len + back)};
    sent.segments.push_back(seg);
    if (dice.roll(5) == 0) sent.segments.push_back(seg);
    at += len;
  }
  for (size_t i = 0; window != 0 && i < sent.segments.size(); ++i)
    std::swap(sent.segments[i], sent.segments[std::min(sent.segments.size() - 1, i + dice.roll(window))]);
  return sent;
}

TEST(TcpStreamsProperty, TheMessagesThatWereSentComeOut) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Dice dice(seed);
    const auto first = static_cast<uint32_t>(0U - dice.roll(5000));
    TcpTap tap({}, seed);
    tap.client({.seq = first - 1, .flags = kSyn});
    const Sent sent = random_stream(dice, first, dice.roll(8));
    for (const Seg& seg : sent.segments) tap.client(seg);
    ASSERT_EQ(tap.messages(), sent.messages) << seed;
    ASSERT_TRUE(tap.balanced()) << seed;
    ASSERT_EQ(tap.held(), 0U) << seed;
    ASSERT_EQ(tap.dropped(), tap.drops(Drop::tcp_duplicate) + 1) << seed;
  }
}

TEST(TcpStreamsProperty, OnlyMessagesThatWereSentComeOutOfAStreamWithLosses) {
  size_t sent_in_all = 0;
  size_t read_in_all = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Dice dice(seed);
    TcpTap tap({}, seed);
    const Sent sent = random_stream(dice, 1000, dice.roll(4));
    for (const Seg& seg : sent.segments) {
      tap.time_ns += dice.roll(kSecond);
      if (dice.roll(20) != 0) tap.client(seg);
      if (dice.roll(10) == 0) tap.server({.seq = 1, .ack = seg.seq});
      ASSERT_TRUE(tap.balanced()) << seed;
    }
    tap.flush();
    ASSERT_TRUE(tap.balanced()) << seed;
    ASSERT_EQ(tap.held(), 0U) << seed;
    size_t at = 0;  // in order, each once
    for (const std::string& message : tap.messages()) {
      while (at < sent.messages.size() && sent.messages[at] != message) ++at;
      ASSERT_LT(at++, sent.messages.size()) << seed;
      ++read_in_all;
    }
    sent_in_all += sent.messages.size();
  }
  EXPECT_GT(read_in_all, sent_in_all / 2);
}

}  // namespace
}  // namespace weir::tcp
