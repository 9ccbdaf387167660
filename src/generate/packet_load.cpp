// Capture files: queries at an even pace of the file's own time, responses after their latency, in time
// order.
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

  // The next packet in time: a waiting response, or the next query.
  void put_next() {
    const uint64_t query_ns = options_.start_ns + report.transactions * step_ns_;
    const bool room = made_ + pending_.size() < limit();  // what waits must still fit into the count
    if (!room || (!pending_.empty() && pending_.top().time_ns <= query_ns)) {
      put_next_pending();
      return;
    }
    const uint64_t number = report.transactions++;
    const Transaction& transaction = traffic_.next(number);
    const bool last = made_ + pending_.size() + 1 >= limit();
    if (last || choices_.percent(options_.unanswered_percent)) {
      ++report.unanswered;
    } else {
      Pending response{.time_ns = query_ns + transaction.latency_ns, .order = number, .packet = {}};
      append_udp_packet(response.packet, transaction.server, transaction.client, options_.vlan,
                        static_cast<uint16_t>(number), transaction.response);
      pending_.push(std::move(response));
    }
    packet_.clear();
    append_udp_packet(packet_, transaction.client, transaction.server, options_.vlan,
                      static_cast<uint16_t>(number), transaction.query);
    put_packet(query_ns, packet_);
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
  uint64_t step_ns_;
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
