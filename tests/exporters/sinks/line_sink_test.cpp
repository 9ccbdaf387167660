#include "exporters/sinks/line_sink.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <thread>

#include "exporters/formats/line_format.h"
#include "exporters/record_output.h"
#include "tests/exporters/metric_reader.h"
#include "tests/exporters/test_event.h"
#include "tests/loopback.h"

namespace weir {
namespace {

constexpr size_t kLineBytes = 100;

// "NUMBER....\n", so that lines that are cut, doubled or missing are seen.
class NumberFormat : public LineFormat {
 public:
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    std::fill(out, out + kLineBytes - 1, '.');
    const std::string number = std::to_string(event.arrival_ns);
    std::copy(number.begin(), number.end(), out);
    out[kLineBytes - 1] = '\n';
    return out + kLineBytes;
  }
};

class Listener {
 public:
  Listener() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    port_ = bind_to_loopback(fd_);
  }
  ~Listener() { close(fd_); }
  void small_buffer() {
    const int bytes = 4096;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  void listen() { ASSERT_EQ(::listen(fd_, 8), 0); }
  [[nodiscard]] int accept() const { return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

struct LineSinkTest : testing::Test {
  void open(const std::string& host, Waiting options) {
    output = std::make_unique<RecordOutput>(
        "tcp", 0, options, std::make_unique<NumberFormat>(),
        std::make_unique<LineSink>(std::vector<Peer>{
            {.at = {.scheme = Target::Scheme::tcp, .host = host, .port = listener.port(), .path = {}}}}));
  }
  bool take(uint64_t count) {
    TestBatch batch;
    for (uint64_t i = 0; i < count; ++i) {
      TestEvent event;
      event.head.arrival_ns = next++;
      batch.add(event);
    }
    return output->take(batch.batch(), now);
  }
  // Polls until `done`, in the real clock's time: the kernel has none of ours.
  template <class Done>
  bool poll_until(Done done) {
    const uint64_t end = read_clock().mono_ns + 60 * kNsPerSec;
    for (;;) {
      now = read_clock();
      output->poll(now);
      if (done()) return true;
      if (now.mono_ns > end) return false;
      std::this_thread::yield();
    }
  }
  bool connected() { return output->counters().up.get() == 1; }
  void expect_even() { EXPECT_TRUE(output->balance().even()); }
  static std::vector<uint64_t> numbers(const std::string& text) {
    std::vector<uint64_t> list;
    std::stringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_EQ(line.size(), kLineBytes - 1);
      list.push_back(std::strtoull(line.c_str(), nullptr, 10));
    }
    return list;
  }

  Listener listener;
  std::unique_ptr<RecordOutput> output;
  Now now = read_clock();
  uint64_t next = 0;
};

TEST_F(LineSinkTest, ADeadPortThatListensLaterGetsEveryLine) {
  open("127.0.0.1", {.flush_ms = 1});
  ASSERT_TRUE(take(1'000));
  ASSERT_TRUE(poll_until([&] { return output->counters().faults.get() >= 2; }));
  EXPECT_EQ(output->counters().written_events.get(), 0U);
  EXPECT_EQ(output->counters().backlog_events.get(), 1'000U);
  EXPECT_FALSE(connected());
  expect_even();
  listener.listen();
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  const int peer = listener.accept();
  ASSERT_GE(peer, 0);
  std::string got;
  ASSERT_TRUE(poll_until([&] {
    char room[4096];
    const ssize_t n = recv(peer, room, sizeof room, 0);
    if (n > 0) got.append(room, static_cast<size_t>(n));
    return output->drain(now) && got.size() == 1'000 * kLineBytes;
  }));
  EXPECT_EQ(numbers(got).size(), 1'000U);
  EXPECT_EQ(output->counters().written_events.get(), 1'000U);
  expect_even();
  close(peer);
}

TEST_F(LineSinkTest, ANameIsLookedUp) {
  listener.listen();
  open("localhost", {.flush_ms = 1});
  EXPECT_TRUE(poll_until([&] { return connected(); }));
}

TEST_F(LineSinkTest, ASlowReaderGetsEveryLineOnceAndTheRestIsCounted) {
  listener.small_buffer();
  listener.listen();
  open("127.0.0.1", {.flush_ms = 1, .backlog = 1U << 20U});
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  const int peer = listener.accept();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(take(100));
    output->poll(now);
  }
  const OutputCounters& c = output->counters();
  EXPECT_GT(c.drops.get(Drop::backlog_full), 0U);
  EXPECT_LE(c.backlog_bytes.get(), (1U << 20U) + kLineBytes);
  expect_even();
  std::string got;
  char byte[1];
  for (int i = 0; i < 5'000; ++i) {  // one byte at a time
    if (recv(peer, byte, 1, 0) == 1) got += byte[0];
    if (i % 100 == 0) output->poll(now);
  }
  ASSERT_TRUE(poll_until([&] {
    char room[65536];
    const ssize_t n = recv(peer, room, sizeof room, 0);
    if (n > 0) got.append(room, static_cast<size_t>(n));
    return output->drain(now) && got.size() == c.written_bytes.get();
  }));
  const std::vector<uint64_t> list = numbers(got);
  EXPECT_EQ(list.size(), c.written_events.get());
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
  EXPECT_EQ(std::adjacent_find(list.begin(), list.end()), list.end());
  EXPECT_EQ(c.written_units.get() + c.drops.get(Drop::backlog_full), 100'000U);
  expect_even();
  close(peer);
}

TEST_F(LineSinkTest, APeerThatLivesAndReadsNothingIsWaitedFor) {
  listener.small_buffer();
  listener.listen();
  open("127.0.0.1", {.flush_ms = 1});
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  const int peer = listener.accept();
  ASSERT_TRUE(take(40'000));
  ASSERT_TRUE(poll_until([&] { return output->counters().written_events.get() > 0; }));
  for (int minute = 0; minute < 10; ++minute) {
    now.mono_ns += 60 * kNsPerSec;
    output->poll(now);
  }
  EXPECT_TRUE(connected());
  EXPECT_EQ(output->counters().faults.get(), 0U);
  close(peer);
}

TEST_F(LineSinkTest, WhatWasNotAcknowledgedWhenAConnectionBrokeIsSentAgain) {
  listener.small_buffer();
  listener.listen();
  open("127.0.0.1", {.flush_ms = 1});
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  int peer = listener.accept();
  ASSERT_TRUE(take(40'000));  // 4 MB: more than the kernel takes at once
  ASSERT_TRUE(poll_until([&] { return output->counters().written_events.get() > 0; }));
  ASSERT_GT(output->counters().backlog_events.get(), 0U);
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(peer);
  ASSERT_TRUE(poll_until([&] { return !connected(); }));
  EXPECT_EQ(output->counters().faults.get(), 1U);
  MetricReader metrics;
  output->describe(metrics);
  EXPECT_GT(metrics.get("weir_output_resent_bytes_total"), 0);
  expect_even();
  const uint64_t before = output->counters().written_events.get();
  ASSERT_LT(before, 40'000U);
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  peer = listener.accept();
  std::string got;
  ASSERT_TRUE(poll_until([&] {
    char room[65536];
    const ssize_t n = recv(peer, room, sizeof room, 0);
    if (n > 0) got.append(room, static_cast<size_t>(n));
    return output->drain(now) && got.size() >= (40'000 - before) * kLineBytes;
  }));
  const std::vector<uint64_t> list = numbers(got);
  EXPECT_EQ(list.size(), 40'000 - before);
  EXPECT_EQ(list.front(), before);
  EXPECT_EQ(list.back(), 39'999U);
  EXPECT_EQ(output->counters().written_events.get(), 40'000U);
  expect_even();
  close(peer);
}

TEST_F(LineSinkTest, APeerThatClosesIsNoticedWithoutTraffic) {
  listener.listen();
  open("127.0.0.1", {});
  ASSERT_TRUE(poll_until([&] { return connected(); }));
  close(listener.accept());
  EXPECT_TRUE(poll_until([&] { return !connected(); }));
  EXPECT_TRUE(poll_until([&] { return connected(); }));
}

TEST_F(LineSinkTest, AnUnreachablePeerBlocksAndNothingIsLostUntilAbandon) {
  open("127.0.0.1", {.flush_ms = 1, .backlog = 10'000, .when_full = WhenFull::block});
  EXPECT_FALSE(take(1'000));
  for (int i = 0; i < 10; ++i) output->poll(now);
  EXPECT_FALSE(output->drain(now));
  const uint64_t waiting = output->counters().backlog_events.get();
  EXPECT_EQ(waiting, output->counters().in_events.get());
  EXPECT_EQ(output->counters().drops.total(StageKind::output), 0U);
  output->abandon();
  EXPECT_EQ(output->counters().drops.get(Drop::output_shutdown), waiting);
  expect_even();
}

TEST_F(LineSinkTest, ANameThatDoesNotExistIsAFaultAndTriedAgain) {
  open("no-such-host.invalid", {});
  EXPECT_TRUE(poll_until([&] { return output->counters().faults.get() >= 1; }));
}

TEST(Backoff, GrowsToHalfAMinuteAtMostAndIsReset) {
  Backoff backoff;
  for (int i = 0; i < 20; ++i) {
    const uint64_t pause = backoff.next_ns();
    const uint64_t full = std::min<uint64_t>(100 * kNsPerMs << std::min(i, 12), 30 * kNsPerSec);
    EXPECT_LE(pause, full);
    EXPECT_GE(pause, full / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ns(), 100 * kNsPerMs);
}

}  // namespace
}  // namespace weir
