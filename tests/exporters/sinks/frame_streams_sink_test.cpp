#include "exporters/sinks/frame_streams_sink.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "exporters/record_output.h"
#include "tests/exporters/fstrm_reader.h"
#include "tests/exporters/metric_reader.h"
#include "tests/exporters/number_frames.h"

namespace weir {
namespace {

// A receiver that plays its part on a thread of its own, one connection after the other.
class Receiver {
 public:
  using Play = std::function<void(int fd)>;

  explicit Receiver(bool over_unix) {
    if (over_unix) {
      std::string name = (std::filesystem::temp_directory_path() / "weir-receiver-XXXXXX").string();
      EXPECT_NE(mkdtemp(name.data()), nullptr);
      dir_ = name;
      target = {.scheme = Target::Scheme::unix_stream, .host = {}, .port = 0, .path = name + "/sock"};
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      target.path.copy(address.sun_path, target.path.size());
      listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
    } else {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t len = sizeof address;
      listen_on(reinterpret_cast<sockaddr*>(&address), len);
      EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &len), 0);
      target = {
          .scheme = Target::Scheme::tcp, .host = "127.0.0.1", .port = ntohs(address.sin_port), .path = {}};
    }
  }
  ~Receiver() {
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  void play(std::vector<Play> connections) {
    thread_ = std::thread([this, connections = std::move(connections)] {
      for (const Play& one : connections) one(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
      done = true;
    });
  }
  // Reads to STOP, or `most` frames.
  Play read(size_t most = SIZE_MAX) {
    return [this, most](int fd) {
      FstrmReader reader(fd);
      std::string frame;
      for (size_t n = 0; n < most && reader.next(frame); ++n) got.push_back(std::stoull(frame));
      stops += reader.stopped() ? 1 : 0;
    };
  }
  static Play close_at_once() {
    return [](int fd) { ::close(fd); };
  }
  static Play answer(std::string bytes) {
    return [bytes = std::move(bytes)](int fd) {
      (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      char c = 0;
      while (::read(fd, &c, 1) > 0) {
      }
      ::close(fd);
    };
  }

  Target target;
  std::vector<uint64_t> got;  // once done
  int stops = 0;
  std::atomic<bool> done{false};

 private:
  void listen_on(const sockaddr* address, socklen_t len) {
    fd_ = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(fd_, address, len), 0);
    ASSERT_EQ(::listen(fd_, 8), 0);
  }

  int fd_ = -1;
  std::filesystem::path dir_;
  std::thread thread_;
};

struct FrameStreamsSinkTest : testing::TestWithParam<bool> {
  void open(Waiting options = {.flush_ms = 1}) {
    output = std::make_unique<RecordOutput>(
        "dnstap", 0, options, std::make_unique<NumberFrames>(),
        std::make_unique<FrameStreamsSink>(std::vector<Peer>{{receiver.target}}));
  }
  void take(uint64_t count) {
    ASSERT_TRUE(output->take(numbers(next, next + count).batch(), now));
    next += count;
  }
  template <class Done>
  bool poll_until(Done done) {
    const uint64_t end = read_clock().mono_ns + 20 * kNsPerSec;
    for (;;) {
      now = read_clock();
      output->poll(now);
      if (done()) return true;
      if (now.mono_ns > end) return false;
      std::this_thread::yield();
    }
  }
  bool drain() {
    return poll_until([&] { return output->drain(now); });
  }
  void expect_all_from(uint64_t first) {
    ASSERT_EQ(receiver.got.size(), next - first);
    for (size_t i = 0; i < receiver.got.size(); ++i) ASSERT_EQ(receiver.got[i], first + i);
  }
  void expect_even() { EXPECT_TRUE(output->balance().even()); }

  Receiver receiver{GetParam()};
  std::unique_ptr<RecordOutput> output;
  Now now = read_clock();
  uint64_t next = 0;
};

TEST_P(FrameStreamsSinkTest, LibfstrmReadsEveryFrameToStop) {
  receiver.play({receiver.read()});
  open();
  EXPECT_EQ(output->counters().up.get(), 0U);
  for (int i = 0; i < 20; ++i) take(1'000);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return receiver.done.load(); }));
  expect_all_from(0);
  EXPECT_EQ(receiver.stops, 1);
  EXPECT_EQ(output->counters().faults.get(), 0U);
  EXPECT_EQ(output->counters().written_events.get(), 20'000U);
  EXPECT_TRUE(output->drain(now)) << "done stays done";
  expect_even();
}

TEST_P(FrameStreamsSinkTest, WithoutAFrameTheStreamIsStartedAndStopped) {
  receiver.play({receiver.read()});
  open();
  ASSERT_TRUE(poll_until([&] { return output->counters().up.get() == 1; }));
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return receiver.done.load(); }));
  EXPECT_EQ(receiver.stops, 1);
}

// The receiver has read some frames and dies with the rest in its kernel, or on the way.
TEST_P(FrameStreamsSinkTest, WhatAReceiverHadNotReadWhenItDiedIsSentAgain) {
  receiver.play({receiver.read(1'000), receiver.read()});
  open();
  for (int i = 0; i < 20; ++i) take(1'000);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return receiver.done.load(); }));
  EXPECT_EQ(output->counters().written_events.get(), 20'000U);
  EXPECT_EQ(receiver.stops, 1);
  MetricReader metrics;
  output->describe(metrics);
  EXPECT_EQ(metrics.get("weir_output_connects_total"), 2);
  EXPECT_GT(metrics.get("weir_output_resent_bytes_total"), 0);
  if (GetParam()) {  // over TCP, what its kernel had acknowledged is lost with it
    std::vector<bool> seen(20'000);
    for (uint64_t number : receiver.got) seen[number] = true;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 20'000);
  }
  expect_even();
}

TEST_P(FrameStreamsSinkTest, ConnectsAgainUntilAReceiverIsOne) {
  const auto bytes = encode_control(ControlType::ready);
  receiver.play({Receiver::close_at_once(), Receiver::answer("HTTP/1.1 400 Bad Request\r\n\r\n"),
                 Receiver::answer({bytes.begin(), bytes.end()}), receiver.read()});
  open();
  take(100);
  ASSERT_TRUE(poll_until([&] { return output->counters().up.get() == 1; }));
  EXPECT_EQ(output->counters().faults.get(), 3U);
  ASSERT_TRUE(drain());
  ASSERT_TRUE(poll_until([&] { return receiver.done.load(); }));
  expect_all_from(0);
  expect_even();
}

TEST_P(FrameStreamsSinkTest, AReceiverThatDoesNotAnswerIsGivenUp) {
  receiver.play({Receiver::answer("")});
  open();
  take(10);
  ASSERT_TRUE(poll_until([&] {
    MetricReader metrics;
    output->describe(metrics);
    return metrics.get("weir_output_connects_total") == 1;
  }));
  output->poll(now);
  EXPECT_EQ(output->counters().faults.get(), 0U);
  now.mono_ns += 6 * kNsPerSec;
  output->poll(now);
  output->poll(now);
  EXPECT_EQ(output->counters().faults.get(), 1U);
  EXPECT_EQ(output->counters().backlog_events.get(), 10U);
  output->abandon();
  EXPECT_EQ(output->counters().drops.get(Drop::output_shutdown), 10U);
  expect_even();
}

TEST_P(FrameStreamsSinkTest, WhatIsOverTheBacklogWhileTheReceiverIsAwayIsCounted) {
  open({.flush_ms = 1, .backlog = 8U << 10U});
  for (int i = 0; i < 10; ++i) take(100);
  EXPECT_GT(output->counters().drops.get(Drop::backlog_full), 900U);
  expect_even();
  receiver.play({receiver.read()});
  ASSERT_TRUE(drain() && poll_until([&] { return output->counters().backlog_events.get() == 0; }));
  ASSERT_TRUE(poll_until([&] { return receiver.done.load(); }));
  EXPECT_EQ(receiver.got.size() + output->counters().drops.get(Drop::backlog_full), 1'000U);
  expect_even();
}

INSTANTIATE_TEST_SUITE_P(Sockets, FrameStreamsSinkTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "unix" : "tcp"; });

}  // namespace
}  // namespace weir
