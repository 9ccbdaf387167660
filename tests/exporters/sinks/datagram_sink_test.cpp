#include "exporters/sinks/datagram_sink.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "exporters/formats/line_format.h"
#include "exporters/record_output.h"
#include "tests/exporters/test_event.h"
#include "tests/loopback.h"
#include "tests/temp_folder.h"

namespace weir {
namespace {

// As many bytes as the event's arrival time says.
class LengthFormat : public LineFormat {
 public:
  char* write(const Event& event, uint64_t /*seq*/, char* out) noexcept override {
    std::fill(out, out + event.arrival_ns, 'x');
    out[event.arrival_ns] = '\n';
    return out + event.arrival_ns + 1;
  }
};

class Receiver {
 public:
  explicit Receiver(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Receiver() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) { port = bind_to_loopback(fd_); }
  ~Receiver() { close(fd_); }
  // Lengths of what came.
  std::vector<size_t> take() {
    std::vector<size_t> lengths;
    std::array<char, 70'000> bytes;
    for (ssize_t n = 0; (n = recv(fd_, bytes.data(), bytes.size(), 0)) >= 0;)
      lengths.push_back(static_cast<size_t>(n));
    return lengths;
  }
  uint16_t port = 0;

 private:
  int fd_;
};

struct DatagramSinkTest : testing::Test {
  void open(const Target& to, size_t max_bytes = 1'000) {
    output =
        std::make_unique<RecordOutput>("out", 0, Waiting{.flush_ms = 1}, std::make_unique<LengthFormat>(),
                                       std::make_unique<DatagramSink>(to, max_bytes));
  }
  void take(std::initializer_list<uint64_t> lengths) {
    TestBatch batch;
    for (uint64_t length : lengths) {
      TestEvent event;
      event.head.arrival_ns = length;
      event.head.units = 2;
      batch.add(event);
    }
    ASSERT_TRUE(output->take(batch.batch(), read_clock()));
  }
  template <class Done>
  bool poll_until(Done done) {
    const uint64_t end = read_clock().mono_ns + 60 * kNsPerSec;
    while (!done()) {
      output->poll(read_clock());
      if (read_clock().mono_ns > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  [[nodiscard]] bool all_gone() const { return output->counters().backlog_events.get() == 0; }

  TempFolder folder;
  std::unique_ptr<RecordOutput> output;
};

TEST_F(DatagramSinkTest, OneRecordADatagramAndTheTooLongAreCounted) {
  Receiver receiver(folder.path() / "s");
  open({.scheme = Target::Scheme::unix_datagram, .host = {}, .port = 0, .path = folder.path() / "s"});
  take({1, 1'000, 1'001, 5, 70'000, 6});
  ASSERT_TRUE(poll_until([&] { return all_gone(); }));
  EXPECT_EQ(receiver.take(), (std::vector<size_t>{1, 1'000, 5, 6}));
  EXPECT_EQ(output->counters().written_units.get(), 8U);
  EXPECT_EQ(output->counters().drops.get(Drop::refused), 4U);
  EXPECT_TRUE(output->balance().even());
}

TEST_F(DatagramSinkTest, WhatTheKernelFindsTooLongIsCountedToo) {
  Receiver receiver;
  open({.scheme = Target::Scheme::udp, .host = "127.0.0.1", .port = receiver.port, .path = {}}, 1U << 20U);
  take({5, 65'508, 6});
  ASSERT_TRUE(poll_until([&] { return all_gone(); }));
  EXPECT_EQ(receiver.take(), (std::vector<size_t>{5, 6}));
  EXPECT_EQ(output->counters().drops.get(Drop::refused), 2U);
  EXPECT_TRUE(output->balance().even());
}

TEST_F(DatagramSinkTest, ALocalSocketThatIsNotThereIsWaitedFor) {
  open({.scheme = Target::Scheme::unix_datagram, .host = {}, .port = 0, .path = folder.path() / "s"});
  take({1, 2, 3});
  ASSERT_TRUE(poll_until([&] { return output->counters().faults.get() >= 2; }));
  EXPECT_EQ(output->counters().up.get(), 0U);
  EXPECT_EQ(output->counters().backlog_units.get(), 6U);
  Receiver receiver(folder.path() / "s");
  ASSERT_TRUE(poll_until([&] { return all_gone(); }));
  EXPECT_EQ(receiver.take(), (std::vector<size_t>{1, 2, 3}));
  ASSERT_TRUE(poll_until([&] { return output->counters().up.get() == 1; }));
}

TEST_F(DatagramSinkTest, OverUdpAtMostTheProbesAreLostWhileNobodyIsThere) {
  uint16_t port = 0;
  {
    const Receiver closed;
    port = closed.port;
  }
  open({.scheme = Target::Scheme::udp, .host = "127.0.0.1", .port = port, .path = {}});
  take({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  ASSERT_TRUE(poll_until([&] { return output->counters().faults.get() >= 2; }));
  EXPECT_LE(output->counters().written_events.get(), 3U);
  EXPECT_EQ(output->counters().up.get(), 0U);
  EXPECT_TRUE(output->balance().even());
}

}  // namespace
}  // namespace weir
