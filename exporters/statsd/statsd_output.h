// StatsdOutput: counters and gauges to a statsd server over UDP, sent every interval and at the end. What
// could not be sent stays and is sent with the next, and nothing but a gauge is sent while the server's host
// answers that nobody listens; so sums hold as far as UDP lets us know. Owner: the export lcore.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/net/resolution.h"
#include "exporters/output.h"
#include "exporters/output_options.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/statsd/statsd_counts.h"

namespace weir {

class StatsdOutput : public Output {
 public:
  // Precondition: options.to is udp.
  StatsdOutput(const StatsdOptions& options, unsigned lcore);
  ~StatsdOutput() override;

  [[nodiscard]] bool take(const Batch& events, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] bool drain(const Now& now) override;
  void abandon() override;
  // Sums are no lines: nobody waits for the interval, or for a server that is away.
  [[nodiscard]] bool is_out(uint64_t /*place*/) const noexcept override { return true; }
  void describe(MetricVisitor& visitor) const override;

 private:
  // Events that arrived within 100 ms, for the latency histogram.
  struct Arrivals {
    uint64_t first_ns;
    uint64_t events;
  };

  void note_arrivals(uint64_t arrival_ns) noexcept;
  bool open_socket(const Now& now);
  bool flush(const Now& now);
  bool server_refuses(const Now& now);
  bool add_line(std::string_view name, uint64_t value, std::string_view kind, const Now& now);
  bool send_datagram(const Now& now);
  void fail(const std::string& why, const Now& now);
  void count_written(const Now& now);
  void drop_waiting(Drop reason);

  StatsdOptions options_;
  StatsdCounts counts_;
  std::string gauge_name_;
  std::shared_ptr<Resolution> resolution_;
  int fd_ = -1;
  bool probing_ = false;      // the server refused; a gauge is sent alone until it does no more
  uint64_t next_try_ns_ = 0;  // to flush
  uint64_t reopen_ns_ = 0;
  uint64_t next_drain_ns_ = 0;
  uint64_t give_up_ns_ = 0;    // of the drain; 0: not draining
  uint64_t carried_over_ = 0;  // events that the last flush could not send
  std::string datagram_;
  std::vector<std::pair<size_t, uint64_t>> in_datagram_;  // series and value
  std::array<Arrivals, 256> arrivals_{};
  size_t arrivals_count_ = 0;
  FaultLog log_;
  Counter datagrams_;
};

}  // namespace weir
