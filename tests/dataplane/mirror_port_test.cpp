// DPDK ports as mirror inputs, on vdevs. In an executable of its own: EAL starts once a process.
#include "dataplane/mirror_port.h"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "dataplane/capture_file.h"
#include "dataplane/eal.h"
#include "dataplane/mirror/missing_port.h"
#include "tests/dataplane/frame_catcher.h"
#include "tests/dataplane/packet_builder.h"
#include "tests/test_data.h"

namespace weir {
namespace {

using namespace packets;
namespace fs = std::filesystem;

const std::string kCapture = test_data("pcap/variant-base.pcap").string();
const std::string kPcap = "net_pcap0,rx_pcap=" + kCapture;
const std::string kPcapAgain = "net_pcap2,rx_pcap=" + kCapture;
const std::string kPcapAnew = "net_pcap3,rx_pcap=" + kCapture;
const std::string kTwoQueues = "net_pcap1,rx_pcap=" + kCapture + ",rx_pcap=" + kCapture;
const std::string kMissingFile = "net_pcap8,rx_pcap=/no/such/file";
const std::string kWire = "net_pcap9,rx_iface=wa";

std::string allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  (void)sched_getaffinity(0, sizeof set, &set);
  std::string list;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) list += (list.empty() ? "" : ",") + std::to_string(cpu);
  return list;
}

bool wire_made = false;
Status eal_started = Ok{};

// A wire wa-wb in a network namespace of this process, if that is allowed.
void make_wire() {
  if (::unshare(CLONE_NEWNET) != 0) return;
  // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c): ip is iproute2's, the arguments are ours
  wire_made = std::system(
                  "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add wa type veth "
                  "peer name wb && ip link set wa up && ip link set wb up") == 0;
}

class Eal : public ::testing::Environment {
 public:
  void SetUp() override {
    make_wire();
    std::vector<std::string> args = {"--no-huge",
                                     "-m",
                                     "256",
                                     "--no-shconf",
                                     "--no-pci",
                                     "--no-telemetry",
                                     "--lcores=(0-1)@(" + allowed_cpus() + ")"};
    for (const std::string& vdev :
         {std::string("net_null0"), std::string("net_null1"), std::string("net_null2"),
          std::string("net_ring0"), kPcap, kPcapAgain, kPcapAnew, kTwoQueues, kMissingFile})
      args.push_back("--vdev=" + vdev);
    if (wire_made) args.push_back("--vdev=" + kWire);
    eal_started = start_eal(args);
    ASSERT_TRUE(eal_started.ok()) << eal_started.error().message;
  }
  void TearDown() override { stop_eal(); }
};

[[maybe_unused]] const auto* const kEal = ::testing::AddGlobalTestEnvironment(new Eal);

// The names, labels and sums of metrics.
class MetricValues : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view, const Labels& labels, double value) override {
    add(name, labels, value);
  }
  void gauge(std::string_view name, std::string_view, const Labels& labels, double value) override {
    add(name, labels, value);
  }
  void histogram(std::string_view, std::string_view, const Labels&, const Histogram&) override {}
  [[nodiscard]] double of(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second;
  }
  [[nodiscard]] bool has(const std::string& name, const std::pair<std::string, std::string>& label) const {
    return seen_.contains(name + " " + label.first + "=" + label.second);
  }

 private:
  void add(std::string_view name, const Labels& labels, double value) {
    values_[std::string(name)] += value;
    for (const auto& [key, value] : labels)
      seen_.insert(std::string(name) + " " + std::string(key) + "=" + std::string(value));
  }
  std::set<std::string> seen_;
  std::map<std::string, double> values_;
};

Result<std::vector<std::unique_ptr<Input>>> try_open(const std::string& port, MirrorOptions options = {}) {
  options.port = port;
  options.mbufs = std::min(options.mbufs, 4096U);
  return open_mirror(options, 5, 0, std::vector<unsigned>(options.queues));
}

std::vector<std::unique_ptr<Input>> open(const std::string& port, const MirrorOptions& options = {}) {
  auto opened = try_open(port, options);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
  if (!opened.ok()) return {};
  return std::move(*opened);
}

std::string error_of(const std::string& port, const MirrorOptions& options = {}) {
  auto opened = try_open(port, options);
  return opened.ok() ? "" : opened.error().message;
}

// Polls until nothing comes.
void read_all(Input& input, FrameCatcher& catcher) {
  for (Poll poll = Poll::busy; poll == Poll::busy;) {
    poll = input.poll(read_clock(), catcher.writer());
    catcher.drain();
    expect_even(input);
  }
}

void stop(Input& input, FrameCatcher& catcher) {
  input.stop(read_clock());
  Poll poll = Poll::busy;
  for (int i = 0; poll != Poll::done && i < 10'000; ++i) {
    poll = input.poll(read_clock(), catcher.writer());
    catcher.drain();
  }
  EXPECT_EQ(poll, Poll::done);
  expect_even(input);
}

std::multiset<std::string> payloads(const std::vector<CaughtFrame>& frames) {
  std::multiset<std::string> all;
  for (const CaughtFrame& frame : frames) all.insert(frame.payload);
  return all;
}

// What the file reader makes of the capture that the vdev plays.
std::vector<CaughtFrame> frames_of_file() {
  auto source = ByteSource::open(kCapture);
  EXPECT_TRUE(source.ok());
  while ((*source)->window().size() < 4) (void)(*source)->fill(4);
  auto reader = make_capture_reader((*source)->window(), "capture", PacketOptions{}, 0);
  FrameCatcher catcher;
  InputCounters counters;
  while (reader->read(**source, Now{}, catcher.writer(), counters) != Poll::done) catcher.drain();
  while (!reader->finish(Now{}, catcher.writer(), counters)) catcher.drain();
  catcher.drain();
  return catcher.frames();
}

TEST(Eal, FindsThePortsThatCouldBeMade) {
  EXPECT_EQ(eal_ports(), wire_made ? 9U : 8U) << "all but the one whose file is missing";
}

TEST(Eal, StartsOnce) {
  const Status again = start_eal({"--no-huge"});
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("did not start with \"--no-huge\""), std::string::npos)
      << again.error().message;
}

TEST(Eal, RunsOnLcores) {
  std::atomic<int> runs{0};
  const auto run = [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); };
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(run_on_lcore(1, run, &runs).ok());
    wait_for_lcore(1);
  }
  EXPECT_EQ(runs, 3);
  EXPECT_FALSE(run_on_lcore(7, run, &runs).ok());
  EXPECT_FALSE(run_on_lcore(100'000, run, &runs).ok());
}

TEST(MirrorPort, PlaysACapture) {
  auto inputs = open(kPcap);
  ASSERT_EQ(inputs.size(), 1U);
  FrameCatcher catcher(3);
  read_all(*inputs[0], catcher);
  stop(*inputs[0], catcher);
  const InputCounters& c = inputs[0]->counters();
  EXPECT_EQ(c.units.get(), 483U);
  EXPECT_EQ(payloads(catcher.frames()), payloads(frames_of_file()));
  // The vdev's stamps are of microseconds, as the file's.
  std::multiset<uint64_t> times;
  for (const CaughtFrame& frame : catcher.frames()) {
    EXPECT_TRUE(frame.head.live);
    EXPECT_EQ(frame.head.input, 5);
    times.insert(frame.head.time_ns);
  }
  std::multiset<uint64_t> of_file;
  for (const CaughtFrame& frame : frames_of_file()) of_file.insert(frame.head.time_ns / 1000 * 1000);
  EXPECT_EQ(times, of_file);
}

TEST(MirrorPort, TakesTheClockWhereStampsAreNotWanted) {
  MirrorOptions options;
  options.timestamps = false;
  auto inputs = open(kPcapAnew, options);
  ASSERT_EQ(inputs.size(), 1U);
  const uint64_t before = read_clock().wall_ns;
  FrameCatcher catcher;
  read_all(*inputs[0], catcher);
  ASSERT_FALSE(catcher.frames().empty());
  for (const CaughtFrame& frame : catcher.frames()) EXPECT_GE(frame.head.time_ns, before);
  stop(*inputs[0], catcher);
}

TEST(MirrorPort, ShowsWhatTheDriverCounts) {
  MirrorOptions options;
  options.mtu = 9000;
  auto inputs = open("net_null2", options);
  ASSERT_EQ(inputs.size(), 1U);
  MetricValues metrics;
  inputs[0]->describe(metrics);
  EXPECT_TRUE(metrics.has("weir_mirror_nic_total", {"counter", "rx_good_packets"}));
  EXPECT_TRUE(metrics.has("weir_mirror_nic_total", {"counter", "rx_q0_packets"}));
  EXPECT_TRUE(metrics.has("weir_mirror_link_changes_total", {"input", "mirror"}));
}

TEST(MirrorPort, QueuesAreInputsOfTheirOwn) {
  MirrorOptions options;
  options.queues = 2;
  auto inputs = open(kTwoQueues, options);
  ASSERT_EQ(inputs.size(), 2U);
  for (auto& input : inputs) {
    FrameCatcher catcher;
    read_all(*input, catcher);
    EXPECT_EQ(input->counters().units.get(), 483U);
  }
}

TEST(MirrorPort, EndsOnAPortWhosePacketsNeverEnd) {
  auto inputs = open("net_null0");
  ASSERT_EQ(inputs.size(), 1U);
  FrameCatcher catcher;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(inputs[0]->poll(read_clock(), catcher.writer()), Poll::busy);
  EXPECT_EQ(inputs[0]->counters().drops.get(Drop::packet_not_ip), 320U);
  stop(*inputs[0], catcher);
}

// Puts mbufs of our making into a port's receive ring.
class MirrorPortRing : public ::testing::Test {
 protected:
  static constexpr unsigned kMbufs = 1023;
  static void SetUpTestSuite() {
    pool_ = rte_pktmbuf_pool_create("test", kMbufs, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    ring_ = rte_ring_lookup("ETH_RXTX0_net_ring0");
    ASSERT_NE(pool_, nullptr);
    ASSERT_NE(ring_, nullptr);
  }
  static void send(const Bytes& packet, size_t segment = 2000) {
    rte_mbuf* head = nullptr;
    for (size_t at = 0; at < packet.size(); at += segment) {
      const size_t len = std::min(segment, packet.size() - at);
      rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
      ASSERT_NE(mbuf, nullptr);
      std::copy_n(packet.data() + at, len,
                  reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(len))));
      if (head == nullptr)
        head = mbuf;
      else
        ASSERT_EQ(rte_pktmbuf_chain(head, mbuf), 0);
    }
    ASSERT_EQ(rte_ring_enqueue(ring_, head), 0);
  }
  // One test uses the port after the other, since it cannot be made again.
  static unsigned free_mbufs() { return rte_mempool_avail_count(pool_); }

  static rte_mempool* pool_;
  static rte_ring* ring_;
};
rte_mempool* MirrorPortRing::pool_ = nullptr;
rte_ring* MirrorPortRing::ring_ = nullptr;

TEST_F(MirrorPortRing, CopiesHoldsDropsAndAbandons) {
  MirrorOptions options;
  options.overflow = Overflow::backpressure;
  auto inputs = open("net_ring0", options);
  ASSERT_EQ(inputs.size(), 1U);
  Input& input = *inputs[0];

  {
    SCOPED_TRACE("a packet in many mbufs");
    FrameCatcher catcher;
    const std::string long_text(3000, 'x');
    send(query(long_text), 100);
    read_all(input, catcher);
    ASSERT_EQ(catcher.frames().size(), 1U);
    EXPECT_EQ(catcher.frames()[0].payload, long_text);
    EXPECT_EQ(free_mbufs(), kMbufs);
  }
  {
    SCOPED_TRACE("backpressure holds the burst and takes no other");
    FrameCatcher catcher(1, 1, 1, 256);
    for (int i = 0; i < 40; ++i) send(query(std::to_string(i)));
    EXPECT_EQ(input.poll(Now{1000, 1}, catcher.writer()), Poll::idle);
    EXPECT_EQ(input.poll(Now{3000, 1}, catcher.writer()), Poll::idle);
    EXPECT_GT(input.counters().held.get(), 20U);
    EXPECT_EQ(input.counters().units.get(), 1U + 32U);
    EXPECT_EQ(input.counters().backpressure_ns.get(), 2000U);
    expect_even(input);
    while (catcher.frames().size() < 40) {
      (void)input.poll(Now{4000, 1}, catcher.writer());
      catcher.drain();
    }
    EXPECT_EQ(input.counters().held.get(), 0U);
    for (size_t i = 0; i < 40; ++i) EXPECT_EQ(catcher.frames()[i].payload, std::to_string(i));
    EXPECT_EQ(free_mbufs(), kMbufs);
  }
  {
    SCOPED_TRACE("what is held at the end is counted");
    FrameCatcher catcher(1, 1, 1, 256);
    for (int i = 0; i < 32; ++i) send(query("x"));
    EXPECT_EQ(input.poll(read_clock(), catcher.writer()), Poll::idle);
    const uint64_t held = input.counters().held.get();
    EXPECT_GT(held, 0U);
    input.abandon();
    EXPECT_EQ(input.counters().drops.get(Drop::ingest_shutdown), held);
    expect_even(input);
    EXPECT_EQ(free_mbufs(), kMbufs);
  }
  {
    SCOPED_TRACE("a fragment that no other follows is given up by the lcore's clock");
    FrameCatcher catcher;
    Now now = read_clock();
    send(ethernet(0x0800, ipv4({.flags_and_offset = 0x2000}, udp(40000, 53, Bytes(24)))));
    EXPECT_EQ(input.poll(now, catcher.writer()), Poll::busy);
    now.mono_ns += 10 * kNsPerSec;
    EXPECT_EQ(input.poll(now, catcher.writer()), Poll::idle);
    EXPECT_EQ(input.counters().held.get(), 1U);
    now.mono_ns += 2 * kNsPerSec;
    EXPECT_EQ(input.poll(now, catcher.writer()), Poll::idle);
    EXPECT_EQ(input.counters().held.get(), 0U);
    EXPECT_EQ(input.counters().drops.get(Drop::fragment_incomplete), 1U);
    expect_even(input);
  }
  {
    SCOPED_TRACE("a second input on the port is refused, and the first goes on");
    const std::string error = error_of("net_ring0");
    EXPECT_NE(error.find("used by another mirror input"), std::string::npos) << error;
    FrameCatcher catcher;
    send(query("x"));
    read_all(input, catcher);
    EXPECT_EQ(catcher.frames().size(), 1U);
  }
}

TEST(MirrorPort, DropsWhenTheStreetIsFull) {
  auto inputs = open(kPcapAgain);
  ASSERT_EQ(inputs.size(), 1U);
  FrameCatcher catcher(1, 1, 1, 4096);
  while (inputs[0]->poll(read_clock(), catcher.writer()) == Poll::busy) expect_even(*inputs[0]);
  const InputCounters& c = inputs[0]->counters();
  EXPECT_EQ(c.units.get(), 483U);
  EXPECT_GT(c.drops.get(Drop::ring_full) + c.drops.get(Drop::pool_empty), 100U);
  EXPECT_EQ(c.held.get(), 0U);
  catcher.drain();
  EXPECT_EQ(catcher.frames().size(), c.frames.get());
}

// libpcap counts what the kernel lost, its vdev shows that as imissed.
TEST(MirrorPort, ShowsWhatThePortMissed) {
  if (!wire_made) GTEST_SKIP() << "no veth pair: needs root and iproute2";
  auto inputs = open(kWire);
  ASSERT_EQ(inputs.size(), 1U);
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(if_nametoindex("wb"));
  const Bytes packet = query("message");
  constexpr uint64_t kSent = 30'000;
  for (uint64_t i = 0; i < kSent; ++i)
    ASSERT_GT(::sendto(fd, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  (void)::close(fd);
  FrameCatcher catcher;
  for (int i = 0; i < 200'000 && catcher.frames().size() < kSent; ++i) {
    (void)inputs[0]->poll(read_clock(), catcher.writer());
    catcher.drain();
  }
  stop(*inputs[0], catcher);
  const InputCounters& c = inputs[0]->counters();
  EXPECT_GT(c.drops.get(Drop::nic_missed), 0U);
  EXPECT_EQ(c.drops.get(Drop::nic_missed) + catcher.frames().size(), kSent);
  EXPECT_EQ(c.units.get(), kSent);
}

TEST(MirrorPort, SaysWhyThereIsNoPort) {
  const std::string failed = error_of(kMissingFile);
  EXPECT_NE(failed.find("DPDK made no port of the vdev \"net_pcap8"), std::string::npos) << failed;
  EXPECT_NE(failed.find("DPDK said: "), std::string::npos) << failed;
  EXPECT_NE(error_of("net_foo0").find("made no port"), std::string::npos);
  EXPECT_NE(error_of("ffff:1f:1f.7").find("there is no PCI device ffff:1f:1f.7. `lspci -D`"),
            std::string::npos)
      << error_of("ffff:1f:1f.7");
}

// Polls until the port has been closed and opened `times` times.
void poll_until_reopened(Input& input, FrameCatcher& catcher, double times) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  MetricValues metrics;
  do {
    (void)input.poll(read_clock(), catcher.writer());
    catcher.drain();
    expect_even(input);
    metrics = {};
    input.describe(metrics);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  } while (metrics.of("weir_mirror_reopened_total") < times && std::chrono::steady_clock::now() < end);
  EXPECT_EQ(metrics.of("weir_mirror_gone_total"), times);
  EXPECT_EQ(metrics.of("weir_mirror_reopened_total"), times);
}

TEST(MirrorPort, OpensAPortAgainThatIsRemoved) {
  const std::string arguments = "rx_pcap=" + kCapture;
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_pcap6", arguments.c_str()), 0);
  MirrorOptions options;
  auto inputs = open("net_pcap6," + arguments, options);
  ASSERT_EQ(inputs.size(), 1U);
  Input& input = *inputs[0];
  FrameCatcher catcher;
  for (unsigned times = 1; times <= 3; ++times) {
    read_all(input, catcher);
    EXPECT_EQ(input.counters().units.get(), times * 483U) << "the capture is played at each opening";
    ASSERT_EQ(rte_eal_hotplug_remove("vdev", "net_pcap6"), 0);
    uint16_t id = 0;
    EXPECT_NE(rte_eth_dev_get_port_by_name("net_pcap6", &id), 0);
    // Its number may be another port's by now, whose packets are not this input's.
    ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null6", ""), 0);
    EXPECT_EQ(input.poll(read_clock(), catcher.writer()), Poll::idle);
    poll_until_reopened(input, catcher, times);
    ASSERT_EQ(rte_eal_hotplug_remove("vdev", "net_null6"), 0);
  }
  read_all(input, catcher);
  stop(input, catcher);
  EXPECT_EQ(input.counters().units.get(), 4 * 483U);
}

TEST(MirrorPort, HoldsABurstOfAPortThatIsRemoved) {
  const std::string arguments = "rx_pcap=" + kCapture;
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_pcap7", arguments.c_str()), 0);
  MirrorOptions options;
  options.overflow = Overflow::backpressure;
  auto inputs = open("net_pcap7," + arguments, options);
  ASSERT_EQ(inputs.size(), 1U);
  FrameCatcher catcher(1, 1, 1, 256);
  for (int i = 0; i < 3; ++i) (void)inputs[0]->poll(read_clock(), catcher.writer());
  ASSERT_GT(inputs[0]->counters().held.get(), 0U);
  const uint64_t units = inputs[0]->counters().units.get();
  ASSERT_EQ(rte_eal_hotplug_remove("vdev", "net_pcap7"), 0);
  std::this_thread::sleep_for(std::chrono::seconds(3));  // for the watch to close it, were it not to wait
  EXPECT_GT(inputs[0]->counters().held.get(), 0U);
  while (inputs[0]->counters().held.get() != 0) {
    (void)inputs[0]->poll(read_clock(), catcher.writer());
    catcher.drain();
  }
  EXPECT_EQ(inputs[0]->counters().units.get(), units);
  poll_until_reopened(*inputs[0], catcher, 1);
  stop(*inputs[0], catcher);
}

TEST(MirrorPort, RefusesWhatThePortCannotDo) {
  MirrorOptions options;
  options.queues = 2000;
  EXPECT_NE(error_of("net_null1", options).find("Lower `queues:`"), std::string::npos);
  options = {};
  options.mtu = 20;
  EXPECT_NE(error_of("net_null1", options).find("takes an MTU from"), std::string::npos);
  options = {};
  options.mbufs = 600;
  EXPECT_NE(error_of("net_null1", options).find("`mbufs: 600` are too few"), std::string::npos)
      << error_of("net_null1", options);
}

TEST(MissingPort, LooksAtTheKernelsDriver) {
  const fs::path sysfs = fs::path(testing::TempDir()) / ("weir-sysfs-" + std::to_string(::getpid()));
  const fs::path device = sysfs / "0000:3b:00.0";
  fs::create_directories(device);
  MirrorOptions options;
  options.port = "3b:00.0";
  const MirrorEal eal = eal_arguments(options, 0);
  const auto why = [&] { return missing_port(options, eal, sysfs.string()).message; };
  EXPECT_NE(why().find("bound to no driver. Bind it: dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0."),
            std::string::npos);
  fs::create_symlink("../../drivers/ixgbe", device / "driver");
  EXPECT_NE(why().find("the kernel's driver ixgbe"), std::string::npos);
  fs::remove(device / "driver");
  fs::create_symlink("../../drivers/vfio-pci", device / "driver");
  EXPECT_NE(why().find("/dev/vfio"), std::string::npos);
  fs::remove_all(sysfs);
}

}  // namespace
}  // namespace weir
