#include "src/generate/load.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "tests/test_data.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string fresh_path(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / (name + "." + std::to_string(::getpid()));
  fs::remove(path);
  return path.string();
}

LoadOptions to_file(const std::string& path, uint64_t count) {
  LoadOptions options;
  options.to = {.scheme = Target::Scheme::file, .host = {}, .port = 0, .path = path};
  options.count = count;
  options.cycle = 500;
  return options;
}

std::vector<uint8_t> bytes_of(const LoadOptions& options,
                              LoadReport (*make)(const LoadOptions&, LoadProgress&)) {
  LoadProgress progress;
  const LoadReport report = make(options, progress);
  EXPECT_EQ(report.fault, "");
  EXPECT_EQ(report.units, options.count);
  EXPECT_EQ(progress.units, options.count);
  auto bytes = read_file(options.to.path);
  EXPECT_EQ(report.bytes, bytes.size());
  fs::remove(options.to.path);
  return bytes;
}

TEST(Load, SameSeedSameBytes) {
  LoadOptions options = to_file(fresh_path("seed"), 1'200);
  for (auto* make : {send_dnstap, write_packets}) {
    const auto first = bytes_of(options, make);
    EXPECT_EQ(first, bytes_of(options, make));
    options.traffic.seed = 2;
    EXPECT_NE(first, bytes_of(options, make));
    options.traffic.seed = 1;
  }
}

TEST(Load, AttacksAndConnectionsAreReproducibleToo) {
  for (size_t kind = 1; kind < std::size(kAttackNames); ++kind) {
    LoadOptions options = to_file(fresh_path("attack"), 1'200);
    options.attack = static_cast<AttackKind>(kind);
    options.traffic.tcp_percent = 50;
    options.mtu = 300;
    const auto first = bytes_of(options, write_packets);
    EXPECT_EQ(first, bytes_of(options, write_packets)) << kAttackNames[kind];
    options.attack = AttackKind::none;
    EXPECT_NE(first, bytes_of(options, write_packets)) << kAttackNames[kind];
  }
}

// A receiver for one two-way stream on a UNIX socket; counts what came.
class Receiver {
 public:
  // close_after: bytes after which it goes away; 0: never.
  explicit Receiver(std::string path, size_t close_after = 0) : path_(std::move(path)) {
    sockaddr_un addr{};
    addr.sun_family = AF_UNIX;
    path_.copy(addr.sun_path, sizeof addr.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&addr), sizeof addr), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this, close_after] { serve(close_after); });
  }
  ~Receiver() {
    join();
    ::close(listener_);
    fs::remove(path_);
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  std::map<uint32_t, int> controls;  // by type: READY 4, START 2, STOP 3
  uint64_t frames = 0;

 private:
  static constexpr std::string_view kType = "protobuf:dnstap.Dnstap";

  static bool read_all(int fd, std::string& out, size_t len) {
    out.resize(len);
    return len == 0 || ::recv(fd, out.data(), len, MSG_WAITALL) == static_cast<ssize_t>(len);
  }
  static uint32_t number(std::string_view data) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<uint8_t>(data[i]);
    return value;
  }
  static void send_control(int fd, uint32_t type, bool with_type) {
    std::string frame;
    const auto put = [&frame](uint32_t value) {
      for (unsigned shift : {24U, 16U, 8U, 0U}) frame += static_cast<char>(value >> shift);
    };
    put(0);
    put(static_cast<uint32_t>(with_type ? 12 + kType.size() : 4));
    put(type);
    if (with_type) {
      put(1);
      put(static_cast<uint32_t>(kType.size()));
      frame += kType;
    }
    EXPECT_EQ(::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frame.size()));
  }

  void serve(size_t close_after) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    std::string buffer;
    size_t bytes = 0;
    while (read_all(fd, buffer, 4)) {
      const uint32_t len = number(buffer);
      if (len != 0) {
        if (!read_all(fd, buffer, len)) break;
        ++frames;
        bytes += len;
        if (close_after != 0 && bytes > close_after) break;
        continue;
      }
      if (!read_all(fd, buffer, 4) || !read_all(fd, buffer, number(buffer))) break;
      const uint32_t type = number(buffer);
      ++controls[type];
      if (type == 4) send_control(fd, 1, true);
      if (type == 3) {
        if (controls[4] != 0) send_control(fd, 5, false);
        break;
      }
    }
    ::close(fd);
  }

  std::string path_;
  int listener_ = -1;
  std::thread thread_;
};

LoadOptions to_socket(const std::string& path, uint64_t count) {
  LoadOptions options = to_file(path, count);
  options.to.scheme = Target::Scheme::unix_stream;
  return options;
}

TEST(Load, TwoWayStreamIsConfirmed) {
  const std::string path = fresh_path("sock");
  Receiver receiver(path);
  LoadProgress progress;
  const LoadReport report = send_dnstap(to_socket(path, 3'000), progress);
  receiver.join();
  EXPECT_EQ(report.fault, "");
  EXPECT_EQ(report.units, 3'000U);
  EXPECT_EQ(receiver.frames, 3'000U);
  EXPECT_EQ(receiver.controls, (std::map<uint32_t, int>{{2, 1}, {3, 1}, {4, 1}}));
}

TEST(Load, OneWayStreamHasNoHandshake) {
  const std::string path = fresh_path("oneway");
  Receiver receiver(path);
  LoadOptions options = to_socket(path, 100);
  options.one_way = true;
  LoadProgress progress;
  EXPECT_EQ(send_dnstap(options, progress).fault, "");
  receiver.join();
  EXPECT_EQ(receiver.frames, 100U);
  EXPECT_EQ(receiver.controls, (std::map<uint32_t, int>{{2, 1}, {3, 1}, {4, 0}}));
}

TEST(Load, PeerThatGoesAwayIsAFaultWithACount) {
  const std::string path = fresh_path("gone");
  Receiver receiver(path, 200'000);
  LoadProgress progress;
  const LoadReport report = send_dnstap(to_socket(path, 1'000'000), progress);
  receiver.join();
  EXPECT_NE(report.fault, "");
  EXPECT_GE(report.units, receiver.frames);
  EXPECT_LT(report.units, 1'000'000U);
}

TEST(Load, NobodyListensIsAFault) {
  LoadOptions options = to_socket(fresh_path("nobody"), 10);
  options.wait_ms = 0;
  LoadProgress progress;
  const LoadReport report = send_dnstap(options, progress);
  EXPECT_NE(report.fault.find("Cannot connect"), std::string::npos) << report.fault;
  EXPECT_EQ(report.units, 0U);
}

TEST(Load, StopEndsItInOrder) {
  const std::string path = fresh_path("stop");
  Receiver receiver(path);
  LoadProgress progress;
  progress.stop = true;
  const LoadReport report = send_dnstap(to_socket(path, 1'000'000), progress);
  receiver.join();
  EXPECT_EQ(report.fault, "");
  EXPECT_EQ(report.units, 0U);
  EXPECT_EQ(receiver.controls[3], 1);
}

// Reads a capture by the format's description (draft-ietf-opsawg-pcap), with no code of the generator's.
class Capture {
 public:
  explicit Capture(const LoadOptions& options) : data_(bytes_of(options, write_packets)) {
    EXPECT_EQ(little(0), options.nanoseconds ? 0xa1b23c4dU : 0xa1b2c3d4U);
    EXPECT_EQ(little(20), 1U);
    const size_t tag = options.vlan != 0 ? 4 : 0;
    uint64_t last_time = 0;
    for (size_t at = 24; at + 16 <= data_.size();) {
      const uint64_t time =
          little(at) * uint64_t{1'000'000'000} + little(at + 4) * (options.nanoseconds ? 1U : 1000U);
      EXPECT_GE(time, last_time);
      last_time = time;
      const size_t len = little(at + 8);
      EXPECT_EQ(len, little(at + 12));
      at += 16;
      if (tag != 0) {
        EXPECT_EQ(big(at + 12), 0x8100U);
        EXPECT_EQ(big(at + 14), options.vlan);
      }
      packet(at + 14 + tag, len - 14 - tag, big(at + 12 + tag));
      at += len;
      ++packets;
      if (at == data_.size()) ended_whole = true;
    }
  }

  uint64_t packets = 0;
  uint64_t queries = 0;
  uint64_t v6 = 0;
  bool ended_whole = false;

 private:
  [[nodiscard]] uint32_t little(size_t at) const {
    return static_cast<uint32_t>(data_[at] | data_[at + 1] << 8U | data_[at + 2] << 16U) |
           static_cast<uint32_t>(data_[at + 3]) << 24U;
  }
  [[nodiscard]] unsigned big(size_t at) const {
    return static_cast<unsigned>(data_[at] << 8U | data_[at + 1]);
  }
  [[nodiscard]] uint32_t sum(size_t at, size_t len) const {
    uint32_t total = 0;
    for (size_t i = 0; i < len; ++i)
      total += (i & 1U) != 0 ? data_[at + i] : static_cast<uint32_t>(data_[at + i]) << 8U;
    return total;
  }
  // A checksum is right if the sum over all, itself included, is all ones.
  static bool all_ones(uint32_t total) {
    while (total >> 16U != 0) total = (total & 0xffffU) + (total >> 16U);
    return total == 0xffff;
  }

  void packet(size_t at, size_t len, unsigned ethertype) {
    const bool is_v6 = ethertype == 0x86dd;
    const size_t ip = is_v6 ? 40 : 20;
    v6 += is_v6 ? 1 : 0;
    if (!is_v6) {
      EXPECT_EQ(big(at + 2), len);
      EXPECT_TRUE(all_ones(sum(at, 20)));
    }
    const size_t udp = at + ip;
    const size_t udp_len = len - ip;
    EXPECT_EQ(big(udp + 4), udp_len);
    const uint32_t addresses = is_v6 ? sum(at + 8, 32) : sum(at + 12, 8);
    EXPECT_TRUE(all_ones(addresses + 17 + static_cast<uint32_t>(udp_len) + sum(udp, udp_len)));
    const bool query = (data_[udp + 8 + 2] & 0x80U) == 0;
    queries += query ? 1 : 0;
    EXPECT_EQ(big(query ? udp + 2 : udp), 53U);
  }

  std::vector<uint8_t> data_;
};

TEST(Load, CaptureHoldsPairsInTimeOrder) {
  LoadOptions options = to_file(fresh_path("pairs"), 2'000);
  options.traffic.tcp_percent = 0;
  const Capture capture(options);
  EXPECT_TRUE(capture.ended_whole);
  EXPECT_EQ(capture.packets, 2'000U);
  EXPECT_EQ(capture.queries, 1'000U);
  EXPECT_NEAR(static_cast<double>(capture.v6), 700, 120);
}

TEST(Load, CaptureWithTagNanosecondsAndUnanswered) {
  LoadOptions options = to_file(fresh_path("tagged"), 2'000);
  options.traffic.tcp_percent = 0;
  options.vlan = 100;
  options.nanoseconds = true;
  options.unanswered_percent = 50;
  const Capture capture(options);
  EXPECT_EQ(capture.packets, 2'000U);
  EXPECT_NEAR(static_cast<double>(capture.queries), 1'333, 80);
}

}  // namespace
}  // namespace weir
