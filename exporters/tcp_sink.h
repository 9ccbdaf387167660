// TcpSink: an export lcore's own connection to a peer that reads lines. Connects by itself, again and again
// with growing pauses. Lines are settled when the peer's kernel has acknowledged them; those that were not
// when a connection broke are sent again on the next, so that the peer may get some twice and misses none
// that its kernel has not taken.
#pragma once

#include <memory>
#include <string>

#include "core/addr.h"
#include "core/counter.h"
#include "exporters/backoff.h"
#include "exporters/fault_log.h"
#include "exporters/resolution.h"
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
  [[nodiscard]] bool up() const noexcept override { return state_ == State::connected; }
  [[nodiscard]] uint64_t faults() const noexcept override { return faults_; }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override;

 private:
  enum class State : uint8_t { waiting, resolving, connecting, connected };

  void resolve(const Now& now);
  void connect_next(const Now& now);
  void await_connect(const Now& now);
  void use_connection(const Now& now);
  bool read_and_forget();
  [[nodiscard]] bool peer_is_dead(const Now& now);
  void fail(const std::string& why, const Now& now);
  void close_socket();

  const Target peer_;
  State state_ = State::waiting;
  std::shared_ptr<Resolution> resolution_;
  size_t next_address_ = 0;
  int fd_ = -1;
  uint64_t deadline_ns_ = 0;  // waiting: next try; connecting: given up; connected: next look at the peer
  uint64_t connected_ns_ = 0;
  uint64_t all_acknowledged_ns_ = 0;  // the last look that found nothing under way
  bool broke_ = false;
  size_t unsettled_at_break_ = 0;
  uint64_t faults_ = 0;
  Backoff backoff_;
  FaultLog log_;
  std::string never_;
  Counter connects_;
  Counter resent_bytes_;
};

}  // namespace weir
