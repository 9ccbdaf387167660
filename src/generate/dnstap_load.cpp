// dnstap streams: one thread a connection, each with its own part of the numbers, from one rendered cycle.
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "src/generate/byte_sink.h"
#include "src/generate/dnstap_cycle.h"
#include "src/generate/frame_streams_handshake.h"
#include "src/generate/load.h"
#include "src/generate/pace.h"

namespace weir {

namespace {

constexpr size_t kBlock = 256U << 10U;  // one write

// How many whole frames the first `taken` bytes of a block hold.
uint64_t whole_frames(const char* block, size_t taken) {
  uint64_t frames = 0;
  for (size_t at = 0; at + 4 <= taken; ++frames) {
    size_t len = 4;
    for (size_t i = 0, value = 0; i < 4; ++i) {
      value = value << 8U | static_cast<uint8_t>(block[at + i]);
      if (i == 3) len += value;
    }
    if (at + len > taken) break;
    at += len;
  }
  return frames;
}

// One connection: transactions first, first + stride, first + 2 stride, …
class Connection {
 public:
  Connection(const LoadOptions& options, const DnstapCycle& cycle, unsigned index)
      : options_(options), cycle_(cycle), index_(index) {}

  void run(LoadProgress& progress) {
    auto sink = ByteSink::open(options_.to, options_.wait_ms, options_.answer_timeout_ms);
    if (!sink) {
      report.fault = sink.error().message;
      return;
    }
    const bool two_way = (*sink)->is_socket() && !options_.one_way;
    Status status = open_frame_stream(**sink, two_way);
    if (status) status = send(**sink, progress);
    if (status) status = close_frame_stream(**sink, two_way);
    if (status) status = (*sink)->close();
    if (!status) report.fault = status.error().message;
    report.bytes = (*sink)->written();
  }

  LoadReport report;

 private:
  // This connection's share of `all`.
  [[nodiscard]] uint64_t share(uint64_t all) const {
    return all / options_.connections + (index_ < all % options_.connections ? 1 : 0);
  }

  Status send(ByteSink& sink, LoadProgress& progress) {
    const unsigned frames = cycle_.frames_per_transaction();
    const uint64_t mine = share(options_.count / frames);
    if (options_.count != 0 && mine == 0) return Ok{};
    const Pace pace(options_.rate / (frames * options_.connections), mine, options_.seconds);
    const auto over = [&] {
      return progress.stop || (options_.seconds > 0 && pace.elapsed() >= options_.seconds);
    };
    std::vector<char> block(kBlock + cycle_.max_bytes());
    while (uint64_t due = progress.stop ? 0 : pace.wait(report.transactions)) {
      char* end = block.data();
      const uint64_t before = report.transactions;
      for (; due > 0 && end < block.data() + kBlock; --due) {
        end = cycle_.write(end, index_ + report.transactions++ * options_.connections);
      }
      const uint64_t written_before = sink.written();
      if (auto written = sink.write({block.data(), end}, over); !written) {
        const uint64_t taken = whole_frames(block.data(), sink.written() - written_before);
        report.units += taken;
        report.transactions = before + (taken + frames - 1) / frames;
        return written;
      }
      const uint64_t sent = (report.transactions - before) * frames;
      report.units += sent;
      progress.units.fetch_add(sent, std::memory_order_relaxed);
    }
    return Ok{};
  }

  const LoadOptions& options_;
  const DnstapCycle& cycle_;
  unsigned index_;
};

}  // namespace

LoadReport send_dnstap(const LoadOptions& options, LoadProgress& progress) {
  const unsigned frames = options.pairs ? 2 : 1;
  size_t cycle = options.cycle;
  if (options.count != 0) cycle = std::min<size_t>(cycle, (options.count + frames - 1) / frames);
  const DnstapCycle rendered(
      {.traffic = options.traffic,
       .transactions = std::max<size_t>(1, cycle),
       .pairs = options.pairs,
       .start_ns = options.start_ns,
       .step_ns = static_cast<uint64_t>(static_cast<double>(kNsPerSec) / options.time_rate)});
  std::vector<std::unique_ptr<Connection>> connections;
  for (unsigned i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>(options, rendered, i));
  }
  const Pace clock(0, 0, 0);
  std::vector<std::thread> threads;
  threads.reserve(connections.size());
  for (auto& connection : connections) {
    threads.emplace_back([&connection, &progress] { connection->run(progress); });
  }
  for (std::thread& thread : threads) thread.join();

  LoadReport all;
  all.seconds = clock.elapsed();
  for (const auto& connection : connections) {
    const LoadReport& one = connection->report;
    all.units += one.units;
    all.transactions += one.transactions;
    all.bytes += one.bytes;
    if (all.fault.empty()) all.fault = one.fault;
  }
  return all;
}

}  // namespace weir
