// AF_PACKET inputs over a veth pair in a network namespace of the test's own thread, which ends with it.
#include "dataplane/mirror/interface_queue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <thread>

#include "dataplane/mirror_port.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/dataplane/packet_builder.h"

namespace weir {
namespace {

using namespace packets;

class Gauges : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view, const Labels&, double value) override {
    values[std::string(name)] = value;
  }
  void gauge(std::string_view name, std::string_view, const Labels&, double value) override {
    values[std::string(name)] = value;
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
  std::map<std::string, double> values;
};

// The other end of the wire.
class Sender {
 public:
  explicit Sender(int index) : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    address_.sll_family = AF_PACKET;
    address_.sll_ifindex = index;
    address_.sll_halen = 6;
  }
  ~Sender() { (void)::close(fd_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  void send(const Bytes& packet) {
    while (::sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&address_),
                    sizeof address_) < 0) {
      ASSERT_EQ(errno, ENOBUFS);
    }
  }

 private:
  int fd_;
  sockaddr_ll address_{};
};

class InterfaceQueueTest : public ::testing::Test {
 protected:
  // Runs `body` where wa and wb are the two ends of a wire, and skips the test where that is not allowed.
  static void in_namespace(const std::function<void(Sender&)>& body) {
    std::string skip;
    std::thread thread([&] {
      if (::unshare(CLONE_NEWNET) != 0) {
        skip = "no network namespace: needs root";
        return;
      }
      // Else the kernel sends packets of its own over a new link.
      const int no_ipv6 = ::open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
      if (no_ipv6 >= 0) {
        (void)!::write(no_ipv6, "1", 1);
        (void)::close(no_ipv6);
      }
      // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's, the arguments are ours
      if (std::system("ip link add wa type veth peer name wb && ip link set wa up && ip link set wb up && "
                      "ip link set lo up") != 0) {
        skip = "no veth pair: needs iproute2 and the kernel's veth";
        return;
      }
      Sender sender(static_cast<int>(index_of("wb")));
      body(sender);
    });
    thread.join();
    if (!skip.empty()) GTEST_SKIP() << skip;
  }

  static unsigned index_of(const char* name) {
    ifreq_like request{};
    std::snprintf(request.name, sizeof request.name, "%s", name);
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::ioctl(fd, 0x8933 /* SIOCGIFINDEX */, &request), 0);
    (void)::close(fd);
    return static_cast<unsigned>(request.index);
  }

  static MirrorOptions on(const std::string& interface) {
    MirrorOptions options;
    options.interface = interface;
    return options;
  }

  static std::vector<std::unique_ptr<Input>> open(const MirrorOptions& options) {
    auto opened = open_mirror(options, 2, 0, std::vector<unsigned>(options.queues));
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    if (!opened.ok()) return {};
    return std::move(*opened);
  }

  static std::string error_of(const MirrorOptions& options) {
    auto opened = open_mirror(options, 2, 0, std::vector<unsigned>(options.queues));
    return opened.ok() ? "" : opened.error().message;
  }

  // Until each has answered done.
  static void stop_and_drain(std::vector<std::unique_ptr<Input>>& inputs, FrameCatcher& catcher) {
    for (auto& input : inputs) input->stop(read_clock());
    for (auto& input : inputs) {
      Poll poll = Poll::idle;
      for (int i = 0; poll != Poll::done && i < 1'000'000; ++i) {
        poll = input->poll(read_clock(), catcher.writer());
        if (poll == Poll::idle) {
          catcher.drain();
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }
      EXPECT_EQ(poll, Poll::done);
      const InputCounters& c = input->counters();
      EXPECT_EQ(c.units.get(), c.frames.get() + c.joined.get() + c.drops.total(StageKind::ingest));
    }
    catcher.drain();
  }

 private:
  struct ifreq_like {
    char name[16];
    int index;
    char rest[20];
  };
};

uint64_t units(const std::vector<std::unique_ptr<Input>>& inputs) {
  uint64_t sum = 0;
  for (const auto& input : inputs) sum += input->counters().units.get();
  return sum;
}
uint64_t lost(const std::vector<std::unique_ptr<Input>>& inputs) {
  uint64_t sum = 0;
  for (const auto& input : inputs) sum += input->counters().drops.get(Drop::kernel_drop);
  return sum;
}

Bytes flow(unsigned port, std::string_view payload = "message") {
  return ethernet(0x0800, ipv4({}, udp(port, 53, text(payload))));
}

TEST_F(InterfaceQueueTest, GivesUpAFragmentThatNoOtherFollows) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    const InputCounters& c = inputs[0]->counters();
    sender.send(ethernet(0x0800, ipv4({.flags_and_offset = 0x2000}, udp(4000, 53, Bytes(24)))));
    FrameCatcher catcher;
    for (int i = 0; i < 10'000 && c.held.get() == 0; ++i) {
      (void)inputs[0]->poll(read_clock(), catcher.writer());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(c.held.get(), 1U);
    Now later = read_clock();
    later.mono_ns += 20 * kNsPerSec;
    EXPECT_EQ(inputs[0]->poll(later, catcher.writer()), Poll::idle);
    EXPECT_EQ(c.held.get(), 0U);
    EXPECT_EQ(c.drops.get(Drop::fragment_incomplete), 1U);
    expect_even(*inputs[0]);
  });
}

TEST_F(InterfaceQueueTest, TakesEveryPacketInOrderWithItsTime) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    const uint64_t before = read_clock().wall_ns;
    for (int i = 0; i < 1000; ++i) sender.send(flow(4000, std::to_string(i)));
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    const uint64_t after = read_clock().wall_ns;
    ASSERT_EQ(catcher.frames().size(), 1000U);
    for (int i = 0; i < 1000; ++i) {
      const CaughtFrame& frame = catcher.frames()[static_cast<size_t>(i)];
      ASSERT_EQ(frame.payload, std::to_string(i));
      EXPECT_TRUE(frame.head.live);
      EXPECT_EQ(frame.head.input, 2);
      EXPECT_GE(frame.head.time_ns, before);
      EXPECT_LE(frame.head.time_ns, after);
    }
    EXPECT_EQ(units(inputs), 1000U);
    EXPECT_EQ(inputs[0]->counters().bytes.get(), 10 * 43U + 90 * 44U + 900 * 45U);
  });
}

TEST_F(InterfaceQueueTest, ShowsWhatTheKernelLost) {
  in_namespace([](Sender& sender) {
    MirrorOptions options = on("wa");
    options.mbufs = 64;  // the smallest ring, half a megabyte
    auto inputs = open(options);
    ASSERT_EQ(inputs.size(), 1U);
    constexpr uint64_t kSent = 20'000;
    for (uint64_t i = 0; i < kSent; ++i) sender.send(flow(4000));  // nobody reads
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    EXPECT_GT(lost(inputs), kSent / 2);
    // How many fit depends on the sender's pace: the kernel also closes blocks by time.
    EXPECT_GT(catcher.frames().size(), 0U);
    EXPECT_EQ(lost(inputs) + catcher.frames().size(), kSent);
    EXPECT_EQ(units(inputs), kSent);
  });
}

TEST_F(InterfaceQueueTest, ShowsWhatTheKernelLostWhileReading) {
  in_namespace([](Sender& sender) {
    MirrorOptions options = on("wa");
    options.mbufs = 64;
    auto inputs = open(options);
    ASSERT_EQ(inputs.size(), 1U);
    FrameCatcher catcher;
    constexpr uint64_t kSent = 60'000;
    for (uint64_t i = 0; i < kSent; ++i) {
      sender.send(flow(4000));
      if (i % 500 == 0) (void)inputs[0]->poll(read_clock(), catcher.writer());  // far too slow
      if (i % 5000 == 0) catcher.drain();
    }
    stop_and_drain(inputs, catcher);
    EXPECT_GT(lost(inputs), 0U);
    EXPECT_EQ(lost(inputs) + catcher.frames().size(), kSent);
  });
}

TEST_F(InterfaceQueueTest, SharesAddressesAmongQueues) {
  in_namespace([](Sender& sender) {
    MirrorOptions options = on("wa");
    options.queues = 2;
    auto inputs = open(options);
    ASSERT_EQ(inputs.size(), 2U);
    for (uint32_t i = 0; i < 2000; ++i)
      sender.send(ethernet(0x0800, ipv4({.src = 0xc0000200 + i % 100}, udp(4000, 53, text("message")))));
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), 2000U);
    EXPECT_GT(inputs[0]->counters().frames.get(), 200U);
    EXPECT_GT(inputs[1]->counters().frames.get(), 200U);
  });
}

// Both directions of an address pair, whatever the ports, with fragments and under tags, come to one queue.
TEST_F(InterfaceQueueTest, KeepsAddressPairsTogether) {
  in_namespace([](Sender& sender) {
    const uint32_t server = 0xc6336435;
    const auto both_ways = [&](uint32_t client, unsigned port) {
      const Bytes asked = ipv4({.src = client, .dst = server}, udp(port, 53, text("query")));
      const Bytes answer = udp(53, port, Bytes(64, 'x'));
      const auto fragment = [&](unsigned offset, bool more, size_t from, size_t to) {
        return ipv4({.src = server,
                     .dst = client,
                     .flags_and_offset = static_cast<uint16_t>((more ? 0x2000U : 0U) | offset / 8)},
                    Bytes(answer.begin() + static_cast<ptrdiff_t>(from),
                          answer.begin() + static_cast<ptrdiff_t>(to)));
      };
      sender.send(ethernet(0x0800, asked));
      sender.send(ethernet(0x8100, vlan(0x0800, asked)));
      sender.send(ethernet(0x88a8, vlan(0x8100, vlan(0x0800, asked))));
      if (port != 4000) return;  // datagrams have one IP id here
      sender.send(ethernet(0x0800, fragment(40, false, 40, 72)));
      sender.send(ethernet(0x0800, fragment(0, true, 0, 40)));
    };
    const auto both_ways6 = [&](uint8_t client) {
      sender.send(ethernet(0x86dd, ipv6(17, udp(4000, 53, text("query")), -1, client, 0x35)));
      sender.send(ethernet(0x86dd, ipv6(17, udp(53, 4001, text("answer")), -1, 0x35, client)));
      sender.send(ethernet(
          0x88a8, vlan(0x8100, vlan(0x86dd, ipv6(17, udp(53, 1, text("answer")), -1, 0x35, client)))));
    };
    for (unsigned pair = 0; pair < 16; ++pair) {
      MirrorOptions options = on("wa");
      options.queues = 3;
      auto inputs = open(options);
      ASSERT_EQ(inputs.size(), 3U);
      const bool v6 = pair % 2 == 1;
      if (v6)
        both_ways6(static_cast<uint8_t>(pair));
      else
        for (const unsigned port : {4000U, 4001U, 50'000U}) both_ways(0xc0000200 + pair, port);
      FrameCatcher catcher;
      stop_and_drain(inputs, catcher);
      EXPECT_EQ(catcher.frames().size(), v6 ? 3U : 10U) << "the fragments found each other";
      unsigned used = 0;
      for (const auto& input : inputs) used += input->counters().units.get() != 0;
      EXPECT_EQ(used, 1U) << pair;
    }
  });
}

TEST_F(InterfaceQueueTest, SeesThroughTagsThatTheKernelTookOff) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    const Bytes ip = ipv4({}, udp(4000, 53, text("message")));
    sender.send(ethernet(0x8100, vlan(0x0800, ip)));
    sender.send(ethernet(0x88a8, vlan(0x8100, vlan(0x0800, ip))));
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), 2U);
  });
}

TEST_F(InterfaceQueueTest, BackpressureLeavesPacketsInTheRing) {
  in_namespace([](Sender& sender) {
    MirrorOptions options = on("wa");
    options.overflow = Overflow::backpressure;
    auto inputs = open(options);
    ASSERT_EQ(inputs.size(), 1U);
    FrameCatcher catcher(1, 1, 2, 4096);
    for (int i = 0; i < 2000; ++i) sender.send(flow(4000));
    for (int i = 0; i < 50; ++i) {
      (void)inputs[0]->poll(read_clock(), catcher.writer());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_LT(units(inputs), 200U);
    EXPECT_GT(inputs[0]->counters().backpressure_ns.get(), 0U);
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), 2000U);
    EXPECT_EQ(inputs[0]->counters().drops.total(StageKind::ingest), 0U);
  });
}

TEST_F(InterfaceQueueTest, DropsByReasonWhenTheStreetIsFull) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    FrameCatcher catcher(1, 1, 2, 4096);
    for (int i = 0; i < 500; ++i) sender.send(flow(4000));
    while (units(inputs) < 500) (void)inputs[0]->poll(read_clock(), catcher.writer());
    const InputCounters& c = inputs[0]->counters();
    EXPECT_GT(c.drops.get(Drop::pool_empty) + c.drops.get(Drop::ring_full), 300U);
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), c.frames.get());
  });
}

TEST_F(InterfaceQueueTest, CountsWhatAnAbandonedRingHolds) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    for (int i = 0; i < 500; ++i) sender.send(flow(4000));
    inputs[0]->abandon();
    EXPECT_EQ(units(inputs), 500U);
    EXPECT_EQ(inputs[0]->counters().drops.get(Drop::ingest_shutdown), 500U);
  });
}

TEST_F(InterfaceQueueTest, LoopbackPacketsComeOnce) {
  in_namespace([](Sender&) {
    auto inputs = open(on("lo"));
    ASSERT_EQ(inputs.size(), 1U);
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(53);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 10; ++i)
      (void)::sendto(fd, "message", 7, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    (void)::close(fd);
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), 10U);
  });
}

TEST_F(InterfaceQueueTest, ShowsTheLink) {
  in_namespace([](Sender&) {
    EXPECT_TRUE(interface_is_up("wa"));
    EXPECT_FALSE(interface_is_up("none"));
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's
    ASSERT_EQ(std::system("ip link set wb down"), 0);
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    Gauges gauges;
    inputs[0]->describe(gauges);
    EXPECT_EQ(gauges.values.at("weir_mirror_link_up"), 0);
  });
}

// Another interface for the kernel, of the same name.
void make_wire_anew() {
  // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's, the arguments are ours
  ASSERT_EQ(std::system("ip link del wa && ip link add wa type veth peer name wb && ip link set wa up && "
                        "ip link set wb up"),
            0);
}

std::map<std::string, double> gauges_of(const Input& input) {
  Gauges gauges;
  input.describe(gauges);
  return gauges.values;
}

// Until the watch has opened it again, once a second.
void wait_until_reopened(const Input& input, double times) {
  for (int i = 0; i < 500 && gauges_of(input).at("weir_mirror_reopened_total") < times; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(gauges_of(input).at("weir_mirror_reopened_total"), times);
  EXPECT_EQ(gauges_of(input).at("weir_mirror_link_up"), 1);
}

TEST_F(InterfaceQueueTest, ReadsAnInterfaceThatIsMadeAnewAndKeepsWhatTheOldOneGave) {
  in_namespace([](Sender& sender) {
    MirrorOptions options = on("wa");
    options.queues = 2;
    auto inputs = open(options);
    ASSERT_EQ(inputs.size(), 2U);
    FrameCatcher catcher;
    for (unsigned i = 0; i < 100; ++i) sender.send(flow(4000 + i));
    for (double times : {1.0, 2.0}) {
      make_wire_anew();
      wait_until_reopened(*inputs[0], times);
      Sender again(static_cast<int>(index_of("wb")));
      for (unsigned i = 0; i < 100; ++i) again.send(flow(4000 + i));
      // Each lcore goes over to its new ring; only then may a third be opened.
      for (auto& input : inputs) {
        for (int i = 0; i < 200; ++i) {
          (void)input->poll(read_clock(), catcher.writer());
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }
      catcher.drain();
      EXPECT_EQ(catcher.frames().size(), times == 1 ? 200U : 300U);
    }
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(units(inputs), 300U);
    EXPECT_EQ(lost(inputs), 0U);
  });
}

TEST_F(InterfaceQueueTest, StopsAndAbandonsWithANewRingThatIsNotYetRead) {
  for (const bool abandon : {false, true}) {
    in_namespace([abandon](Sender& sender) {
      auto inputs = open(on("wa"));
      ASSERT_EQ(inputs.size(), 1U);
      for (unsigned i = 0; i < 100; ++i) sender.send(flow(4000));
      make_wire_anew();
      wait_until_reopened(*inputs[0], 1);
      Sender again(static_cast<int>(index_of("wb")));
      for (unsigned i = 0; i < 50; ++i) again.send(flow(4000));
      FrameCatcher catcher;
      if (abandon)
        inputs[0]->abandon();
      else
        stop_and_drain(inputs, catcher);
      EXPECT_EQ(units(inputs), 150U);
      EXPECT_EQ(inputs[0]->counters().drops.get(Drop::ingest_shutdown), abandon ? 150U : 0U);
    });
  }
}

TEST_F(InterfaceQueueTest, FollowsTheNameWhereTheOldInterfaceLivesOn) {
  in_namespace([](Sender& sender) {
    auto inputs = open(on("wa"));
    ASSERT_EQ(inputs.size(), 1U);
    sender.send(flow(4000));
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's, the arguments are ours
    ASSERT_EQ(std::system("ip link set wa down && ip link set wa name old && ip link set old up && "
                          "ip link add wa type veth peer name wc && ip link set wa up && ip link set wc up"),
              0);
    wait_until_reopened(*inputs[0], 1);
    sender.send(flow(4000));  // to the old one
    Sender again(static_cast<int>(index_of("wc")));
    again.send(flow(4000));
    FrameCatcher catcher;
    stop_and_drain(inputs, catcher);
    EXPECT_EQ(catcher.frames().size(), 2U);
  });
}

// Of this thread.
void allow_packet_sockets(bool allow) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
  constexpr unsigned kNetRaw = 1U << CAP_NET_RAW;
  data[0].effective = allow ? data[0].effective | kNetRaw : data[0].effective & ~kNetRaw;
  ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
}

TEST_F(InterfaceQueueTest, IsDownWhileTheNewInterfaceCannotBeOpened) {
  in_namespace([](Sender&) {
    auto opened = InterfaceRings::open(on("wa"));
    ASSERT_TRUE(opened.ok());
    InterfaceRings& rings = **opened;
    EXPECT_TRUE(rings.look().up);
    make_wire_anew();
    allow_packet_sockets(false);
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(rings.look().up);
    EXPECT_FALSE(rings.is_outdated(0));
    allow_packet_sockets(true);
    EXPECT_TRUE(rings.look().up);
    EXPECT_TRUE(rings.is_outdated(0));
    // The lcore still reads the old ring, so no third one is opened.
    make_wire_anew();
    EXPECT_FALSE(rings.look().up);
    (void)rings.take_newest(0);
    EXPECT_FALSE(rings.is_outdated(0));
    EXPECT_TRUE(rings.look().up);
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's
    ASSERT_EQ(std::system("ip link del wa"), 0);
    EXPECT_FALSE(rings.look().up);
    rings.close_intake(0);
  });
}

TEST_F(InterfaceQueueTest, SaysWhatIsWrong) {
  EXPECT_NE(
      error_of(on("no-such-wire")).find("interface no-such-wire cannot be read: No such device. `ip link`"),
      std::string::npos)
      << error_of(on("no-such-wire"));
  EXPECT_NE(error_of(on(std::string(40, 'x'))).find("cannot be read"), std::string::npos);
}

TEST_F(InterfaceQueueTest, NamesThePermissionItNeeds) {
  std::thread thread([] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2]{};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);  // of this thread
    EXPECT_NE(error_of(on("lo")).find("CAP_NET_RAW"), std::string::npos) << error_of(on("lo"));
  });
  thread.join();
}

}  // namespace
}  // namespace weir
