// Dialer: a sink's own connection to a peer, over TCP or a UNIX socket. Connects by itself, again and again
// with growing pauses, and knows of what it sent how much may still be lost. All bytes pass send() and
// receive(). Owner: the export lcore of the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/addr.h"
#include "core/counter.h"
#include "core/metric.h"
#include "exporters/backoff.h"
#include "exporters/fault_log.h"
#include "exporters/peer_socket.h"
#include "exporters/resolution.h"

namespace weir {

class Dialer {
 public:
  // peer: tcp or unix_stream.
  explicit Dialer(Target peer);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Every loop: looks up, connects, gives a peer up that acknowledges nothing. true: the state changed.
  bool poll(const Now& now);
  [[nodiscard]] bool connected() const noexcept { return state_ == State::connected; }
  // Counts the connections made: another number is another connection.
  [[nodiscard]] uint64_t connects() const noexcept { return connects_.get(); }

  // How many bytes the kernel took. A connection that broke takes none, and is dialed again.
  [[nodiscard]] size_t send(std::string_view bytes, const Now& now);
  // How many bytes came; 0: none now. A peer that closed is a break.
  [[nodiscard]] size_t receive(std::span<uint8_t> room, const Now& now);
  // The connection is of no use: closes it; the next try is after a pause. why: a clause for the log.
  void fail(const std::string& why, const Now& now);
  // For good: no further try.
  void close();

  // Of what was sent, the bytes that may still be lost, at most (SentBytes). After a break: those that were
  // so when it happened, until take_break().
  [[nodiscard]] size_t unsettled() const noexcept {
    return broke_ ? unsettled_at_break_ : sent_bytes_.unsettled();
  }
  // true once after a break of a connection.
  [[nodiscard]] bool take_break() noexcept;

  [[nodiscard]] uint64_t faults() const noexcept { return faults_; }
  [[nodiscard]] const Target& peer() const noexcept { return peer_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const;  // any thread

 private:
  enum class State : uint8_t { waiting, resolving, connecting, connected, closed };

  [[nodiscard]] bool is_unix() const noexcept { return peer_.scheme == Target::Scheme::unix_stream; }
  void resolve(const Now& now);
  void connect_unix(const Now& now);
  void connect_next(const Now& now);
  void await_connect(const Now& now);
  void use_connection(const Now& now);
  void look_at_peer(const Now& now);
  [[nodiscard]] bool peer_is_dead(const Now& now);
  void close_socket();

  const Target peer_;
  State state_ = State::waiting;
  std::shared_ptr<Resolution> resolution_;
  size_t next_address_ = 0;
  int fd_ = -1;
  uint64_t deadline_ns_ = 0;  // waiting: next try; connecting: given up; connected: next look at the peer
  uint64_t connected_ns_ = 0;
  uint64_t all_acknowledged_ns_ = 0;  // the last look that found nothing under way
  SentBytes sent_bytes_;
  bool broke_ = false;
  size_t unsettled_at_break_ = 0;
  uint64_t faults_ = 0;
  Backoff backoff_;
  FaultLog log_;
  Counter connects_;
  Counter resent_bytes_;
};

}  // namespace weir
