// TcpSink: an export lcore's own connection to a peer that reads lines. Connects by itself, again and again
// with growing pauses. Lines are settled when the peer's kernel has acknowledged them; those that were not
// when a connection broke are sent again on the next, so that the peer may get some twice and misses none
// that its kernel has not taken.
#pragma once

#include <memory>
#include <string>

#include "core/addr.h"
#include "core/counter.h"
#include "core/net/dialer.h"
#include "exporters/fault_log.h"
#include "exporters/sink.h"

namespace weir {

class TcpSink : public Sink {
 public:
  explicit TcpSink(Target peer);
  ~TcpSink() override;
  TcpSink(const TcpSink&) = delete;
  TcpSink& operator=(const TcpSink&) = delete;

  [[nodiscard]] size_t write(std::string_view lines, size_t sent, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] size_t unsettled() const override;
  [[nodiscard]] bool take_break() override;
  [[nodiscard]] bool up() const noexcept override { return fd_ >= 0; }
  [[nodiscard]] uint64_t faults() const noexcept override { return faults_; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override;

 private:
  bool dial(const Now& now);
  void use_connection(int fd, const Now& now);
  bool read_and_forget();
  [[nodiscard]] bool peer_is_dead(const Now& now);
  void lose(const std::string& why, const Now& now);
  void report(const std::string& why, uint64_t pause_ns, const Now& now);
  void close_socket();

  Dialer dialer_;
  int fd_ = -1;
  uint64_t look_after_ns_ = 0;  // at the peer
  uint64_t connected_ns_ = 0;
  uint64_t all_acknowledged_ns_ = 0;  // the last look that found nothing under way
  bool broke_ = false;
  size_t unsettled_at_break_ = 0;
  uint64_t faults_ = 0;
  FaultLog log_;
  std::string never_;
  Counter connects_;
  Counter resent_bytes_;
};

}  // namespace weir
