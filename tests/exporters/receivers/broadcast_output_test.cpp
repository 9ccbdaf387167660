#include "exporters/receivers/broadcast_output.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/exporters/fstrm_reader.h"
#include "tests/exporters/metric_reader.h"
#include "tests/exporters/number_frames.h"

namespace weir {
namespace {

int connect_to(const Target& to) {
  const bool over_unix = to.scheme == Target::Scheme::unix_stream;
  const int fd = socket(over_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int small = 4'096;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  to.path.copy(path.sun_path, to.path.size());
  sockaddr_in port{};
  port.sin_family = AF_INET;
  port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  port.sin_port = htons(to.port);
  EXPECT_EQ(over_unix ? connect(fd, reinterpret_cast<sockaddr*>(&path), sizeof path)
                      : connect(fd, reinterpret_cast<sockaddr*>(&port), sizeof port),
            0);
  return fd;
}

// Connects and reads by libfstrm, on a thread of its own.
class Reader {
 public:
  explicit Reader(const Target& to, size_t most = SIZE_MAX) : fd_(connect_to(to)) {
    thread_ = std::thread([this, most] {
      FstrmReader reader(dup(fd_));
      std::string frame;
      for (size_t n = 0; n < most && reader.next(frame); ++n) {
        EXPECT_EQ(frame.size(), kNumberPayload);
        got.push_back(std::stoull(frame));
      }
      stopped = reader.stopped();
      if (!stopped) ::shutdown(fd_, SHUT_RDWR);
      done = true;
    });
  }
  ~Reader() {
    ::shutdown(fd_, SHUT_RDWR);  // a test that failed leaves it reading
    thread_.join();
    ::close(fd_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::vector<uint64_t> got;  // once done
  bool stopped = false;
  std::atomic<bool> done{false};

 private:
  int fd_;
  std::thread thread_;
};

// Says ACCEPT and reads nothing behind START, until it is told to.
class Sleeper {
 public:
  explicit Sleeper(const Target& to) : fd(connect_to(to)) {
    const auto accept = encode_control(ControlType::accept);
    EXPECT_GT(::send(fd, accept.data(), accept.size(), MSG_NOSIGNAL), 0);
  }
  ~Sleeper() { ::close(fd); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  const int fd;
};

struct BroadcastOutputTest : testing::TestWithParam<bool> {
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-broadcast-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
  }
  void TearDown() override {
    outputs.clear();
    listener.reset();
    std::filesystem::remove_all(dir);
  }
  void open(BroadcastOptions options = {.flush_ms = 1}, ReceiverListenerOptions receivers = {},
            unsigned lcores = 1) {
    Target at{.scheme = Target::Scheme::tcp, .host = "127.0.0.1", .port = 0, .path = {}};
    if (GetParam()) at = {.scheme = Target::Scheme::unix_stream, .host = {}, .port = 0, .path = dir / "sock"};
    auto socket = ListenSocket::open({.at = at, .mode = 0600, .owner = {}});
    ASSERT_TRUE(socket) << socket.error().message;
    target = (*socket)->bound();
    listener = std::make_shared<ReceiverListener>(std::move(*socket), nullptr, receivers, lcores);
    for (unsigned i = 0; i < lcores; ++i)
      outputs.push_back(std::make_unique<BroadcastOutput>("dnstap", i, options,
                                                          std::make_unique<NumberFrames>(), listener));
  }
  void take(uint64_t count, size_t lcore = 0) {
    ASSERT_TRUE(outputs[lcore]->take(numbers(next, next + count).batch(), now));
    next += count;
  }
  template <class Done>
  bool poll_until(Done done) {
    const uint64_t end = read_clock().mono_ns + 20 * kNsPerSec;
    for (;;) {
      now = read_clock();
      for (auto& output : outputs) output->poll(now);
      if (done()) return true;
      if (now.mono_ns > end) return false;
      std::this_thread::yield();
    }
  }
  bool drain() {
    return poll_until([&] {
      bool drained = true;
      for (auto& output : outputs) drained &= output->drain(now);
      return drained;
    });
  }
  double metric(const std::string& name) {
    MetricReader metrics;
    for (auto& output : outputs) output->describe(metrics);
    return metrics.get(name);
  }
  bool wait_for_receivers(double count) {
    return poll_until([&] { return metric("weir_output_receivers") == count && (count == 0 || up()); });
  }
  bool up() { return outputs[0]->counters().up.get() == 1; }
  uint64_t written() { return sum(&OutputCounters::written_events); }
  uint64_t sum(Counter OutputCounters::*counter) {
    uint64_t total = 0;
    for (auto& output : outputs) total += (output->counters().*counter).get();
    return total;
  }
  uint64_t dropped(Drop reason) { return outputs[0]->counters().drops.get(reason); }
  void expect_even() {
    for (auto& output : outputs) EXPECT_TRUE(output->balance().even());
  }
  // Each number once, in order.
  void expect_all(const Reader& reader, uint64_t from = 0) {
    ASSERT_EQ(reader.got.size(), next - from);
    for (size_t i = 0; i < reader.got.size(); ++i) ASSERT_EQ(reader.got[i], from + i);
    EXPECT_TRUE(reader.stopped);
  }

  std::filesystem::path dir;
  Target target;
  std::shared_ptr<ReceiverListener> listener;
  std::vector<std::unique_ptr<BroadcastOutput>> outputs;
  Now now = read_clock();
  uint64_t next = 0;
};

TEST_P(BroadcastOutputTest, EachReceiverGetsEveryFrameToStop) {
  open();
  Reader a(target);
  Reader b(target);
  Reader c(target);
  ASSERT_TRUE(wait_for_receivers(3));
  ASSERT_TRUE(poll_until([&] { return listener->receivers().size() == 3; }));
  for (int i = 0; i < 20; ++i) {
    take(1'000);
    ASSERT_TRUE(poll_until([&] { return written() == next; }));
  }
  expect_even();
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return a.done && b.done && c.done; }));
  expect_all(a);
  expect_all(b);
  expect_all(c);
  EXPECT_EQ(written(), 20'000U);
  EXPECT_EQ(metric("weir_output_receivers_lost_events_total"), 0);
  EXPECT_EQ(metric("weir_output_receivers_closed_total{reason=finished}"), 3);
  expect_even();
}

TEST_P(BroadcastOutputTest, TheOnlyReceiverGetsWhatWaited) {
  open();
  take(5'000);
  EXPECT_FALSE(up());
  Reader reader(target);
  ASSERT_TRUE(poll_until([&] { return written() == 5'000; }));
  take(100);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return reader.done.load(); }));
  expect_all(reader);
}

TEST_P(BroadcastOutputTest, ASlowReceiverLosesItsOwnAndIsClosed) {
  open({.flush_ms = 1, .backlog = 64U << 10U}, {.max_receivers = 8, .stall_timeout_ms = 3'000});
  Sleeper sleeper(target);
  Reader reader(target);
  ASSERT_TRUE(wait_for_receivers(2));
  ASSERT_TRUE(poll_until([&] { return listener->receivers().size() == 2; }));
  while (metric("weir_output_receivers_closed_total{reason=stalled}") == 0) {
    ASSERT_LT(next, 10'000'000U);
    take(100);
    ASSERT_TRUE(poll_until([&] { return written() == next; })) << "the fast one was held up";
  }
  EXPECT_GT(metric("weir_output_receivers_lost_events_total"), 0);
  EXPECT_EQ(metric("weir_output_receivers"), 1);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return reader.done.load(); }));
  expect_all(reader);
  EXPECT_EQ(outputs[0]->counters().drops.total(StageKind::output), 0U);
  expect_even();
}

// With a backlog that holds all that it lacks.
TEST_P(BroadcastOutputTest, WhatAStalledReceiverHadNotTakenIsItsLoss) {
  open({.flush_ms = 1}, {.max_receivers = 8, .stall_timeout_ms = 300});
  Sleeper sleeper(target);
  ASSERT_TRUE(wait_for_receivers(1));
  take(50'000);
  ASSERT_TRUE(poll_until([&] { return metric("weir_output_receivers_closed_total{reason=stalled}") == 1; }));
  ASSERT_TRUE(poll_until([&] { return !up(); }));
  std::string taken;
  for (char room[4'096];;) {
    const ssize_t n = recv(sleeper.fd, room, sizeof room, 0);
    if (n <= 0) break;
    taken.append(room, static_cast<size_t>(n));
  }
  const double whole =
      static_cast<double>(taken.size() - 84) / (4 + kNumberPayload);  // behind READY and START
  EXPECT_NEAR(metric("weir_output_receivers_lost_events_total"), 50'000.0 - whole, 2);
  expect_even();
}

TEST_P(BroadcastOutputTest, FramesThatNobodyHadInTimeAreDropsWithTheirReason) {
  open({.flush_ms = 1, .backlog = 64U << 10U});
  for (int i = 0; i < 100; ++i) take(100);
  EXPECT_GT(dropped(Drop::no_receiver), 9'000U);
  expect_even();
  Sleeper sleeper(target);
  ASSERT_TRUE(wait_for_receivers(1));
  const uint64_t before = dropped(Drop::no_receiver);
  for (int i = 0; i < 200; ++i) {
    take(100);
    now = read_clock();
    outputs[0]->poll(now);
  }
  EXPECT_EQ(dropped(Drop::no_receiver), before);
  EXPECT_GT(dropped(Drop::slow_receiver), 0U);
  expect_even();
  outputs[0]->abandon();
  EXPECT_GT(dropped(Drop::output_shutdown), 0U);
  EXPECT_EQ(outputs[0]->counters().backlog_events.get(), 0U);
  EXPECT_EQ(outputs[0]->counters().backlog_bytes.get(), 0U);
  expect_even();
}

// Whole frames, whatever was lost between: what a sleeper reads once it wakes.
TEST_P(BroadcastOutputTest, WhatASlowReceiverGetsIsNeverCut) {
  open({.flush_ms = 1, .backlog = 64U << 10U});
  Sleeper sleeper(target);
  ASSERT_TRUE(wait_for_receivers(1));
  std::string got;
  const auto read_some = [&](size_t most) {
    char room[1'000];
    const ssize_t n = recv(sleeper.fd, room, std::min(most, sizeof room), MSG_DONTWAIT);
    if (n > 0) got.append(room, static_cast<size_t>(n));
    return n > 0;
  };
  for (int i = 0; i < 2'000; ++i) {
    take(37);
    now = read_clock();
    outputs[0]->poll(now);
    (void)read_some(1 + static_cast<size_t>(i) % 997);
  }
  EXPECT_GT(metric("weir_output_receivers_lost_events_total"), 0);
  (void)poll_until([&] {
    while (read_some(SIZE_MAX)) {
    }
    return outputs[0]->counters().backlog_events.get() == 0;
  });
  while (read_some(SIZE_MAX)) {
  }
  const std::string opening(FrameStreamsWriter::opening());
  const std::string start(FrameStreamsWriter::start());
  ASSERT_EQ(got.substr(0, 84), opening + start);
  uint64_t last = 0;
  for (size_t at = 84; at < got.size(); at += 4 + kNumberPayload) {
    ASSERT_EQ(got.substr(at, 4), std::string("\0\0\0\xc8", 4)) << at;
    ASSERT_LE(at + 4 + kNumberPayload, got.size());
    const uint64_t number = std::stoull(got.substr(at + 4, kNumberPayload));
    ASSERT_TRUE(at == 84 || number > last);
    last = number;
  }
  expect_even();
}

TEST_P(BroadcastOutputTest, SeveralLcoresShareEachReceiver) {
  open({.flush_ms = 1}, {}, 3);
  Reader a(target);
  Reader b(target);
  ASSERT_TRUE(poll_until([&] { return listener->receivers().size() == 2; }));
  for (size_t i = 0; i < 60; ++i) {
    take(500, i % 3);
    ASSERT_TRUE(poll_until([&] { return written() == next; }));
  }
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return a.done && b.done; }));
  for (Reader* reader : {&a, &b}) {
    std::sort(reader->got.begin(), reader->got.end());
    expect_all(*reader);
  }
  expect_even();
}

// Each lcore reads the clock once a loop, so that one may look after a receiver with a time that is older
// than another's before.
TEST_P(BroadcastOutputTest, AnLcoreWithAnOlderClockSeesNoStall) {
  open({.flush_ms = 1}, {}, 2);
  Sleeper receiver(target);
  ASSERT_TRUE(wait_for_receivers(1));
  std::array<char, 84> opening_and_start;
  ASSERT_EQ(recv(receiver.fd, opening_and_start.data(), opening_and_start.size(), MSG_WAITALL), 84);
  now = read_clock();
  outputs[0]->poll(now);
  take(20'000);
  outputs[0]->poll(now);
  outputs[1]->poll({.mono_ns = now.mono_ns - 1, .wall_ns = now.wall_ns});
  EXPECT_EQ(metric("weir_output_receivers_closed_total{reason=stalled}"), 0);
  EXPECT_EQ(metric("weir_output_receivers"), 1);
}

TEST_P(BroadcastOutputTest, AReceiverThatDiesTakesNobodyAlong) {
  open();
  Reader dies(target, 500);
  Reader lives(target);
  ASSERT_TRUE(poll_until([&] { return listener->receivers().size() == 2; }));
  for (int i = 0; i < 30; ++i) {
    take(1'000);
    ASSERT_TRUE(poll_until([&] { return written() == next; }));
  }
  ASSERT_TRUE(poll_until([&] { return metric("weir_output_receivers_closed_total{reason=left}") == 1; }));
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return lives.done.load(); }));
  expect_all(lives);
  expect_even();
}

// What the only receiver had not got when it died goes to the next.
TEST_P(BroadcastOutputTest, WhatWasNotSettledGoesToTheNextReceiver) {
  open();
  take(10'000);
  Reader dies(target, 500);
  ASSERT_TRUE(poll_until([&] { return metric("weir_output_receivers_closed_total{reason=left}") == 1; }));
  const uint64_t had = written();
  Reader next_one(target);
  ASSERT_TRUE(poll_until([&] { return written() == 10'000; }));
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return next_one.done.load(); }));
  ASSERT_FALSE(next_one.got.empty());
  EXPECT_EQ(next_one.got.front(), had);
  EXPECT_EQ(next_one.got.back(), 9'999U);
  EXPECT_EQ(next_one.got.size(), 10'000 - had);
  expect_even();
}

// Who is slow at the end keeps nobody from STOP, and what it lacks in the end is counted.
TEST_P(BroadcastOutputTest, AtTheEndEachIsStoppedForItselfAndLossesAreCounted) {
  open({.flush_ms = 1}, {}, 2);
  Sleeper sleeper(target);
  Reader reader(target);
  ASSERT_TRUE(wait_for_receivers(2));
  ASSERT_TRUE(poll_until([&] { return listener->receivers().size() == 2; }));
  ASSERT_TRUE(poll_until([] { return true; }));  // both outputs know both
  take(10'000, 0);
  take(10'000, 1);
  ASSERT_TRUE(poll_until([&] {
    for (auto& output : outputs) EXPECT_FALSE(output->drain(now));
    return metric("weir_output_receivers_closed_total{reason=finished}") == 1 && reader.done;
  }));
  EXPECT_TRUE(reader.stopped);
  EXPECT_EQ(reader.got.size(), 20'000U);
  EXPECT_EQ(written(), 20'000U);
  EXPECT_EQ(metric("weir_output_receivers_lost_events_total"), 0);
  for (auto& output : outputs) output->abandon();
  EXPECT_EQ(metric("weir_output_receivers_closed_total{reason=not_finished}"), 1);
  std::string taken;
  for (char room[4'096];;) {
    const ssize_t n = recv(sleeper.fd, room, sizeof room, 0);
    if (n <= 0) break;
    taken.append(room, static_cast<size_t>(n));
  }
  const size_t whole = (taken.size() - 84) / (4 + kNumberPayload);  // behind READY and START
  EXPECT_GE(metric("weir_output_receivers_lost_events_total"), 20'000.0 - static_cast<double>(whole) - 2);
  EXPECT_LE(metric("weir_output_receivers_lost_events_total"), 20'000.0 - static_cast<double>(whole));
  expect_even();
}

TEST_P(BroadcastOutputTest, MoreThanMaxReceiversAreRefused) {
  open({.flush_ms = 1}, {.max_receivers = 1, .stall_timeout_ms = 10'000});
  Reader first(target);
  ASSERT_TRUE(wait_for_receivers(1));
  Reader second(target);
  ASSERT_TRUE(poll_until([&] { return second.done.load(); }));
  EXPECT_FALSE(second.stopped);
  EXPECT_EQ(metric("weir_output_receivers_refused_total"), 1);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return first.done.load(); }));
  EXPECT_TRUE(first.stopped);
}

TEST_P(BroadcastOutputTest, WhoIsNoReaderOfDnstapIsClosed) {
  open();
  const int fd = connect_to(target);
  EXPECT_GT(::send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 0);
  ASSERT_TRUE(
      poll_until([&] { return metric("weir_output_receivers_closed_total{reason=handshake}") == 1; }));
  EXPECT_FALSE(up());
  ::close(fd);
  EXPECT_TRUE(drain());
}

INSTANTIATE_TEST_SUITE_P(Sockets, BroadcastOutputTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "unix" : "tcp"; });

}  // namespace
}  // namespace weir
