// DatagramSink: one record a datagram, over UDP or to a UNIX datagram socket; the '\n' at a record's end is
// not sent. A record that is longer than a datagram may be is refused. That the kernel has taken a datagram
// is all that is known of it over UDP; what a receiver that is not there (ICMP) makes known stops the sending
// for a growing pause. Owner: the export lcore of its output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "core/addr.h"
#include "core/counter.h"
#include "core/net/backoff.h"
#include "core/net/resolution.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/sinks/sink.h"

namespace weir {

class DatagramSink : public Sink {
 public:
  // to: udp or unix_datagram. max_bytes: longer records are refused.
  DatagramSink(Target to, size_t max_bytes);
  ~DatagramSink() override;
  DatagramSink(const DatagramSink&) = delete;
  DatagramSink& operator=(const DatagramSink&) = delete;

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] std::deque<RefusedRecord>* refusals() override { return &refused_; }
  [[nodiscard]] bool up() const noexcept override { return fd_ >= 0 && !probing_; }
  [[nodiscard]] uint64_t faults() const noexcept override { return faults_; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }

 private:
  static constexpr unsigned kMostAtOnce = 64;

  [[nodiscard]] bool is_unix() const noexcept { return to_.scheme == Target::Scheme::unix_datagram; }
  void open(const Now& now);
  void fail(int error, const Now& now);
  [[nodiscard]] bool takes_more() const noexcept;
  // Behind the record that starts at `from`, its '\n' included.
  static size_t record_end(std::string_view records, size_t from) noexcept;
  size_t refuse(std::string_view records, size_t sent, const Now& now);
  size_t send_some(std::string_view records, size_t sent, const Now& now);

  const Target to_;
  const size_t max_bytes_;
  int fd_ = -1;
  std::shared_ptr<Resolution> resolution_;
  uint64_t next_ns_ = 0;  // the next try to open or to send
  bool probing_ = true;   // at first and after a fault: one datagram, and a look whether it was taken
  bool probe_sent_ = false;
  Backoff backoff_;
  uint64_t taken_ = 0;  // bytes of records, ever
  std::deque<RefusedRecord> refused_;
  uint64_t faults_ = 0;
  FaultLog log_;
  FaultLog refusal_log_;
  std::string never_;
};

}  // namespace weir
