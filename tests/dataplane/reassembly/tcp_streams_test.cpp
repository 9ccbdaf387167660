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

}  // namespace
}  // namespace weir::tcp
