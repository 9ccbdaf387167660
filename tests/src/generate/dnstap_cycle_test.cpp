#include "src/generate/dnstap_cycle.h"

#include <gtest/gtest.h>

#include <string>

#include "core/dnstap.pb.h"

namespace weir {
namespace {

constexpr uint64_t kStart = 1'767'225'600'000'000'000;

DnstapCycleOptions options(bool pairs) {
  return {.traffic = {.seed = 5, .numbered = true},
          .transactions = 100,
          .pairs = pairs,
          .start_ns = kStart,
          .step_ns = 20'000};
}

// The frames of one transaction as libprotobuf reads them.
std::vector<dnstap::Message> frames(const DnstapCycle& cycle, uint64_t number) {
  std::string buffer(cycle.max_bytes(), '\0');
  buffer.resize(static_cast<size_t>(cycle.write(buffer.data(), number) - buffer.data()));
  std::vector<dnstap::Message> messages;
  for (size_t at = 0; at < buffer.size();) {
    size_t len = 0;
    for (size_t i = 0; i < 4; ++i) len = len << 8U | static_cast<uint8_t>(buffer[at + i]);
    dnstap::Dnstap frame;
    EXPECT_TRUE(frame.ParseFromArray(buffer.data() + at + 4, static_cast<int>(len)));
    EXPECT_EQ(frame.identity(), "resolver-1.pop3.isp.example");
    EXPECT_EQ(frame.version(), "unbound 1.17.1");
    messages.push_back(frame.message());
    at += 4 + len;
  }
  return messages;
}

uint64_t query_ns(const dnstap::Message& message) {
  return message.query_time_sec() * 1'000'000'000 + message.query_time_nsec();
}
uint64_t response_ns(const dnstap::Message& message) {
  return message.response_time_sec() * 1'000'000'000 + message.response_time_nsec();
}

TEST(DnstapCycle, FrameIsWhatTheTrafficMade) {
  const DnstapCycle cycle(options(false));
  Traffic traffic(options(false).traffic);
  for (uint64_t number = 0; number < 100; ++number) {
    const Transaction& transaction = traffic.next(number);
    const auto messages = frames(cycle, number);
    ASSERT_EQ(messages.size(), 1U);
    const dnstap::Message& message = messages[0];
    EXPECT_EQ(message.type(), dnstap::Message::CLIENT_RESPONSE);
    EXPECT_EQ(message.query_message(), transaction.query);
    EXPECT_EQ(message.response_message(), transaction.response);
    EXPECT_EQ(message.socket_protocol(), transaction.tcp ? dnstap::TCP : dnstap::UDP);
    EXPECT_EQ(message.query_address().size(), transaction.client.addr.len);
    EXPECT_EQ(message.query_port(), transaction.client.port);
    EXPECT_EQ(message.response_port(), 53U);
    EXPECT_EQ(query_ns(message), kStart + number * 20'000);
    EXPECT_EQ(response_ns(message), query_ns(message) + transaction.latency_ns);
  }
}

TEST(DnstapCycle, NextRoundHasOtherNumberTimeAndId) {
  const DnstapCycle cycle(options(false));
  const dnstap::Message first = frames(cycle, 42)[0];
  const dnstap::Message later = frames(cycle, 9'999'999'942)[0];
  EXPECT_EQ(first.response_message().substr(12, 12), "\x0bn0000000042");
  EXPECT_EQ(later.response_message().substr(12, 12), "\x0bn9999999942");
  EXPECT_EQ(later.query_message().substr(12, 12), "\x0bn9999999942");
  EXPECT_NE(first.query_message().substr(0, 2), later.query_message().substr(0, 2));
  EXPECT_EQ(later.query_message().substr(0, 2), later.response_message().substr(0, 2));
  EXPECT_EQ(query_ns(later), kStart + 9'999'999'942 * 20'000);
  EXPECT_EQ(first.response_message().substr(24), later.response_message().substr(24));
}

TEST(DnstapCycle, PairsAreQueryThenResponse) {
  const DnstapCycle cycle(options(true));
  const auto messages = frames(cycle, 7);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].type(), dnstap::Message::CLIENT_QUERY);
  EXPECT_TRUE(messages[0].has_query_message() && !messages[0].has_response_message());
  EXPECT_FALSE(messages[0].has_response_time_sec());
  EXPECT_EQ(messages[1].type(), dnstap::Message::CLIENT_RESPONSE);
  EXPECT_TRUE(!messages[1].has_query_message() && messages[1].has_response_message());
  EXPECT_EQ(messages[0].query_message().substr(12, 12), "\x0bn0000000007");
  EXPECT_EQ(messages[1].response_message().substr(12, 12), "\x0bn0000000007");
}

}  // namespace
}  // namespace weir
