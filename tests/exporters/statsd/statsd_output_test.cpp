#include "exporters/statsd/statsd_output.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include "exporters/outputs.h"
#include "tests/exporters/dns_wire.h"
#include "tests/loopback.h"

namespace weir {
namespace {

// A statsd server: adds up what comes.
class Server {
 public:
  Server() { open(0); }
  ~Server() { shut(); }
  void open(uint16_t port) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    port_ = bind_to_loopback(fd_, port);
  }
  void shut() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  void receive() {
    char room[65536];
    for (ssize_t n = 0; (n = recv(fd_, room, sizeof room, 0)) > 0;) {
      ++datagrams;
      largest = std::max(largest, static_cast<size_t>(n));
      std::stringstream lines(std::string(room, static_cast<size_t>(n)));
      for (std::string line; std::getline(lines, line);) {
        const size_t colon = line.find(':');
        const size_t bar = line.find('|');
        ASSERT_NE(colon, std::string::npos) << line;
        ASSERT_NE(bar, std::string::npos) << line;
        const uint64_t value = std::stoull(line.substr(colon + 1, bar - colon - 1));
        const std::string name = line.substr(0, colon);
        if (line.substr(bar) == "|c") {
          EXPECT_NE(value, 0U) << line;
          sums[name] += value;
        } else {
          EXPECT_EQ(line.substr(bar), "|g");
          gauges[name] = value;
        }
      }
    }
  }
  [[nodiscard]] uint64_t sum_of(const std::string& group) const {
    uint64_t sum = 0;
    for (const auto& [name, value] : sums)
      if (name.starts_with(group + ".")) sum += value;
    return sum;
  }
  [[nodiscard]] uint16_t port() const { return port_; }

  std::map<std::string, uint64_t> sums;
  std::map<std::string, uint64_t> gauges;
  int datagrams = 0;
  size_t largest = 0;

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

struct StatsdOutputTest : testing::Test {
  [[nodiscard]] StatsdOptions options() const {
    StatsdOptions options;
    options.to = {.scheme = Target::Scheme::udp, .host = "127.0.0.1", .port = server.port(), .path = {}};
    options.interval_ms = 1'000;
    return options;
  }
  void open(const StatsdOptions& with) { output = std::make_unique<StatsdOutput>(with, 2); }
  // Lets a second go by.
  void interval() {
    output->poll(now);
    now.mono_ns += kNsPerSec;
    output->poll(now);
    server.receive();
  }
  static TestEvent response(unsigned qtype, unsigned rcode, uint64_t latency_us) {
    TestEvent event;
    event.head.type = 6;
    event.head.has_family = event.head.has_protocol = true;
    event.head.family = 1;
    event.head.protocol = 2;
    event.head.has_query_time = event.head.has_response_time = true;
    event.head.query_time_ns = kNsPerSec;
    event.head.response_time_ns = kNsPerSec + latency_us * 1'000;
    put_message(event, event.head.query, DnsWire(1, 0).question("x", qtype).bytes);
    put_message(event, event.head.response,
                DnsWire(1, static_cast<uint16_t>(0x8000U | rcode)).question("x", qtype).bytes);
    return event;
  }
  void take(const TestBatch& batch) { ASSERT_TRUE(output->take(batch.batch(), now)); }
  void expect_even() { EXPECT_TRUE(output->balance().even()); }

  Server server;
  std::unique_ptr<StatsdOutput> output;
  Now now{.mono_ns = kNsPerSec, .wall_ns = 0};
};

TEST_F(StatsdOutputTest, SendsTrueDeltasThatAddUpToTheEvents) {
  open(options());
  uint64_t events = 0;
  for (unsigned round = 0; round < 5; ++round) {
    TestBatch batch;
    for (unsigned i = 0; i <= round; ++i) {
      batch.add(response(1, 0, 900));
      batch.add(response(28, 3, 1'500));
      batch.add(response(65280, 15, 7'000'000));
      events += 3;
    }
    take(batch);
    interval();
    EXPECT_EQ(server.sums["weir.events"], events);
    EXPECT_EQ(output->counters().written_events.get(), events);
    expect_even();
  }
  interval();
  EXPECT_EQ(server.sums["weir.events"], events) << "a delta was sent twice";
  EXPECT_EQ(server.sum_of("weir.type"), events);
  EXPECT_EQ(server.sum_of("weir.queries"), events);
  EXPECT_EQ(server.sum_of("weir.responses"), events);
  EXPECT_EQ(server.sums["weir.type.CLIENT_RESPONSE"], events);
  EXPECT_EQ(server.sums["weir.queries.A"], events / 3);
  EXPECT_EQ(server.sums["weir.queries.AAAA"], events / 3);
  EXPECT_EQ(server.sums["weir.queries.other"], events / 3);
  EXPECT_EQ(server.sums["weir.responses.NXDOMAIN"], events / 3);
  EXPECT_EQ(server.sums["weir.responses.other"], events / 3);
  EXPECT_EQ(server.sums["weir.transport.TCP"], events);
  EXPECT_EQ(server.sums["weir.family.INET"], events);
  EXPECT_EQ(server.sums["weir.latency.count"], events);
  EXPECT_EQ(server.sums["weir.latency.sum_us"], events / 3 * (900 + 1'500 + 7'000'000));
  EXPECT_EQ(server.sums["weir.latency.to_1ms"], events / 3);
  EXPECT_EQ(server.sums["weir.latency.to_2ms"], events / 3);
  EXPECT_EQ(server.sums["weir.latency.above_5s"], events / 3);
  EXPECT_EQ(server.gauges["weir.lcore.2.backlog_events"], 0U);
}

TEST_F(StatsdOutputTest, NumbersOutsideTheTablesCountAsOthers) {
  open(options());
  TestBatch batch;
  for (const int32_t number : {INT32_MIN, -1, 0, 15, 18, INT32_MAX}) {
    TestEvent event;
    event.head.type = number;
    event.head.has_family = event.head.has_protocol = true;
    event.head.family = event.head.protocol = number;
    batch.add(event);
  }
  TestEvent packet;
  packet.head.kind = EventKind::transaction;
  batch.add(packet);
  TestEvent cut;
  put_message(cut, cut.head.query, std::vector<uint8_t>{1});
  batch.add(cut);
  take(batch);
  interval();
  EXPECT_EQ(server.sums["weir.type.other"], 7U);
  EXPECT_EQ(server.sums["weir.type.TRANSACTION"], 1U);
  EXPECT_EQ(server.sums["weir.transport.other"], 6U);
  EXPECT_EQ(server.sums["weir.family.other"], 6U);
  EXPECT_EQ(server.sums["weir.malformed.header_short"], 1U);
  EXPECT_EQ(server.sum_of("weir.type"), server.sums["weir.events"]);
}

TEST_F(StatsdOutputTest, PacksLinesIntoDatagramsThatFit) {
  StatsdOptions with = options();
  with.prefix = "isp.resolvers.dns";
  with.max_datagram = 300;
  open(with);
  TestBatch batch;
  for (unsigned qtype = 0; qtype < 300; ++qtype) batch.add(response(qtype, qtype % 16, qtype * 1'000));
  take(batch);
  interval();
  EXPECT_EQ(server.sums["isp.resolvers.dns.events"], 300U);
  EXPECT_EQ(server.sum_of("isp.resolvers.dns.queries"), 300U);
  EXPECT_GT(server.datagrams, 5);
  EXPECT_LE(server.largest, 300U);
  EXPECT_GT(server.largest, 250U);
}

TEST_F(StatsdOutputTest, KeepsCountingWhileNobodyListensAndSendsAllOnce) {
  open(options());
  TestBatch batch{response(1, 0, 1)};
  server.shut();
  take(batch);
  interval();  // goes out, and comes back as refused: lost, as UDP does
  EXPECT_EQ(output->counters().written_events.get(), 1U);
  for (int i = 0; i < 3; ++i) {
    take(batch);
    interval();
  }
  EXPECT_EQ(output->counters().up.get(), 0U);
  EXPECT_GE(output->counters().faults.get(), 1U);
  EXPECT_EQ(output->counters().backlog_events.get(), 3U);
  expect_even();
  server.open(server.port());
  for (int i = 0; i < 3; ++i) interval();
  EXPECT_EQ(output->counters().up.get(), 1U);
  EXPECT_EQ(server.sums["weir.events"], 3U);
  EXPECT_EQ(server.sums["weir.queries.A"], 3U);
  EXPECT_EQ(output->counters().written_events.get(), 4U);
  expect_even();
}

TEST_F(StatsdOutputTest, DrainSendsWhatWaits) {
  open(options());
  output->poll(now);
  take(TestBatch{response(1, 0, 1), response(1, 0, 1)});
  EXPECT_TRUE(output->drain(now));
  server.receive();
  EXPECT_EQ(server.sums["weir.events"], 2U);
  expect_even();
}

TEST_F(StatsdOutputTest, DrainGivesUpOnAServerThatIsNotThere) {
  open(options());
  server.shut();
  take(TestBatch{response(1, 0, 1)});
  interval();
  take(TestBatch{response(1, 0, 1)});
  interval();
  int tries = 0;
  while (!output->drain(now) && ++tries < 100) now.mono_ns += 50 * kNsPerMs;
  EXPECT_LT(tries, 30);
  EXPECT_EQ(output->counters().drops.get(Drop::write_failed), 1U);
  expect_even();
}

TEST_F(StatsdOutputTest, AbandonCountsWhatWaits) {
  open(options());
  take(TestBatch{response(1, 0, 1)});
  output->abandon();
  EXPECT_EQ(output->counters().drops.get(Drop::output_shutdown), 1U);
  expect_even();
}

TEST(OpenOutput, StatsdWantsUdp) {
  StatsdOptions options;
  options.to = {.scheme = Target::Scheme::tcp, .host = "localhost", .port = 8125, .path = {}};
  const auto outputs = open_output(options, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_NE(outputs.error().message.find("use udp://HOST:PORT"), std::string::npos);
  options.to.scheme = Target::Scheme::udp;
  EXPECT_EQ(open_output(options, {.export_lcores = 3}).value().size(), 3U);
}

TEST(OpenOutput, JsonRefusesKeysThatCannotBe) {
  JsonOptions options;
  EXPECT_FALSE(open_output(options, {}).ok());
  options.delivery.to = Target{.scheme = Target::Scheme::null, .host = {}, .port = 0, .path = {}};
  EXPECT_EQ(open_output(options, {.export_lcores = 2}).value().size(), 2U);
  options.json.fields = {"qnme"};
  const auto outputs = open_output(options, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_NE(outputs.error().message.find("'qnme'"), std::string::npos);
}

}  // namespace
}  // namespace weir
