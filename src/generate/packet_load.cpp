// Capture files: transactions at an even pace of the file's own time, the packets of each after their
// latency, in time order; and between them those of an attack.
#include <algorithm>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "src/generate/byte_sink.h"
#include "src/generate/load.h"
#include "src/generate/pace.h"
#include "src/generate/packet_builder.h"
#include "src/generate/tcp_exchange.h"

namespace weir {

namespace {

constexpr size_t kBlock = 256U << 10U;
constexpr uint32_t kSnapLen = 65'535;
constexpr uint32_t kEthernet = 1;  // LINKTYPE_ETHERNET

// pcap's numbers are in the writer's byte order, which the reader tells by the magic number; ours is
// little-endian.
void put_u32(std::string& out, uint64_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

struct Pending {
  uint64_t time_ns = 0;
  uint64_t order = 0;  // of equal times the earlier made goes first
  std::string packet;
  bool operator<(const Pending& other) const {  // std::priority_queue gives the greatest first
    return std::pair(time_ns, order) > std::pair(other.time_ns, other.order);
  }
};

class PacketLoad {
 public:
  PacketLoad(const LoadOptions& options, ByteSink& sink)
      : options_(options),
        sink_(sink),
        traffic_(options.traffic),
        choices_(options.traffic.seed ^ 0x7061636b657473U),
        attack_(options.attack, options.traffic.seed ^ 0x61747461636bU, options.vlan),
        step_ns_(static_cast<uint64_t>(static_cast<double>(kNsPerSec) / options.time_rate)) {}

  Status run(LoadProgress& progress) {
    put_header();
    const Pace pace(options_.rate, options_.count, options_.seconds);
    uint64_t due = 0;
    for (;;) {
      if (due == 0) {
        if (options_.rate > 0 && !flush(progress)) return fault_;
        due = progress.stop ? 0 : pace.wait(made_);
        if (due == 0) break;
        if (options_.rate <= 0) due = std::min<uint64_t>(due, 4096);  // time for the clock and the stop flag
      }
      put_next();
      --due;
      if (block_.size() >= kBlock && !flush(progress)) return fault_;
    }
    while (!pending_.empty() && made_ < limit()) put_next_pending();
    if (!flush(progress)) return fault_;
    return sink_.close();
  }

  LoadReport report;

 private:
  [[nodiscard]] uint64_t limit() const { return options_.count != 0 ? options_.count : UINT64_MAX; }

  void put_header() {
    put_u32(block_, options_.nanoseconds ? 0xa1b23c4dU : 0xa1b2c3d4U);
    put_u32(block_, 4U << 16U | 2U);  // version 2.4
    put_u32(block_, 0);
    put_u32(block_, 0);
    put_u32(block_, kSnapLen);
    put_u32(block_, kEthernet);
  }

  // The next packet in time: one that waits, or of the attack, or the next query.
  void put_next() {
    const uint64_t query_ns = options_.start_ns + report.transactions * step_ns_;
    const uint64_t left = limit() - made_ - pending_.size();  // what waits must still fit into the count
    if (left == 0 || (!pending_.empty() && pending_.top().time_ns <= query_ns)) {
      put_next_pending();
      return;
    }
    if (options_.attack != AttackKind::none && attacked_ * 100 <= made_ * options_.attack_percent) {
      ++attacked_;
      put_packet(query_ns, attack_.next());
      return;
    }
    const uint64_t number = report.transactions++;
    const Transaction& transaction = traffic_.next(number);
    if (transaction.tcp) {
      std::vector<TimedPacket> packets = tcp_exchange(transaction, options_.vlan, number);
      if (packets.size() <= left) {
        for (TimedPacket& packet : packets) wait(query_ns + packet.after_ns, std::move(packet.bytes));
        return put_next_pending();
      }
    }
    put_udp(transaction, query_ns, number, left);
  }

  void put_udp(const Transaction& transaction, uint64_t query_ns, uint64_t number, uint64_t left) {
    const PacketPath asked{.from = transaction.client, .to = transaction.server, .vlan = options_.vlan};
    const PacketPath answered{.from = transaction.server, .to = transaction.client, .vlan = options_.vlan};
    const uint64_t response_ns = query_ns + transaction.latency_ns;
    std::vector<std::string> response;
    if (!choices_.percent(options_.unanswered_percent)) {
      if (options_.mtu != 0)
        response = udp_fragments(answered, static_cast<uint32_t>(number), transaction.response, options_.mtu);
      else
        append_udp_packet(response.emplace_back(), answered, static_cast<uint16_t>(number),
                          transaction.response);
    }
    if (response.empty() || response.size() >= left) {
      ++report.unanswered;
    } else {
      for (std::string& packet : response) wait(response_ns, std::move(packet));
    }
    packet_.clear();
    append_udp_packet(packet_, asked, static_cast<uint16_t>(number), transaction.query);
    put_packet(query_ns, packet_);
  }

  void wait(uint64_t time_ns, std::string packet) {
    pending_.push({.time_ns = time_ns, .order = order_++, .packet = std::move(packet)});
  }

  void put_next_pending() {
    put_packet(pending_.top().time_ns, pending_.top().packet);
    pending_.pop();
  }

  void put_packet(uint64_t time_ns, std::string_view packet) {
    put_u32(block_, time_ns / kNsPerSec);
    put_u32(block_, time_ns % kNsPerSec / (options_.nanoseconds ? 1 : 1000));
    put_u32(block_, packet.size());
    put_u32(block_, packet.size());
    block_ += packet;
    ++made_;
    packet_ends_.push_back(block_.size());
  }

  bool flush(LoadProgress& progress) {
    const uint64_t before = sink_.written();
    const Status written = sink_.write(block_);
    const uint64_t taken = sink_.written() - before;
    const auto whole =
        std::upper_bound(packet_ends_.begin(), packet_ends_.end(), taken) - packet_ends_.begin();
    report.units += static_cast<uint64_t>(whole);
    progress.units.fetch_add(static_cast<uint64_t>(whole), std::memory_order_relaxed);
    block_.clear();
    packet_ends_.clear();
    if (!written) fault_ = written;
    return written.ok();
  }

  const LoadOptions& options_;
  ByteSink& sink_;
  Traffic traffic_;
  Random choices_;
  Attack attack_;
  uint64_t step_ns_;
  uint64_t order_ = 0;     // of what waits
  uint64_t attacked_ = 0;  // packets of the attack
  uint64_t made_ = 0;
  std::priority_queue<Pending> pending_;
  std::string packet_;
  std::string block_;
  std::vector<uint64_t> packet_ends_;  // in block_
  Status fault_ = Ok{};
};

}  // namespace

LoadReport write_packets(const LoadOptions& options, LoadProgress& progress) {
  const Pace clock(0, 0, 0);
  auto sink = ByteSink::open(options.to, options.wait_ms, options.answer_timeout_ms);
  if (!sink) {
    LoadReport report;
    report.fault = sink.error().message;
    return report;
  }
  PacketLoad load(options, **sink);
  const Status status = load.run(progress);
  LoadReport report = load.report;
  if (!status) report.fault = status.error().message;
  report.bytes = (*sink)->written();
  report.seconds = clock.elapsed();
  return report;
}

}  // namespace weir
