// PeerConnection: a sink's own connection to a peer, or to one of several, over TCP, TLS or a UNIX socket.
// Connects by itself, again and again with growing pauses, and knows of what it sent how much may still be
// lost. All bytes pass send() and receive(). Owner: the export lcore of the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/addr.h"
#include "core/counter.h"
#include "core/metric.h"
#include "core/net/dialer.h"
#include "core/net/tls.h"
#include "exporters/sinks/fault_log.h"
#include "exporters/sinks/peer_stream.h"

namespace weir {

struct Peer {
  Target at;                          // tcp, tls or unix_stream
  std::shared_ptr<TlsSide> tls = {};  // for tls
};

class PeerConnection {
 public:
  // The first that can be reached is used; after a break they are tried again from the first on.
  // Precondition: at least one.
  explicit PeerConnection(std::vector<Peer> peers);
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // Every loop: looks up, connects, gives a peer up that acknowledges nothing. true: the state changed.
  bool poll(const Now& now);
  [[nodiscard]] bool connected() const noexcept { return stream_ && stream_->secured(); }
  // Counts the connections made: another number is another connection.
  [[nodiscard]] uint64_t connects() const noexcept { return connects_.get(); }

  // How many bytes the kernel took. A connection that broke takes none, and is dialed again.
  [[nodiscard]] size_t send(std::string_view bytes, const Now& now);
  // How many bytes came; 0: none now. A peer that closed is a break.
  [[nodiscard]] size_t receive(std::span<uint8_t> room, const Now& now);
  // The connection is of no use: closes it; the next try is after a pause. why: a clause for the log.
  void fail(const std::string& why, const Now& now);
  // The certificates are read again; the connection stays. Control thread.
  void reload_tls();
  // For good: no further try.
  void close();

  // Of what was sent, the bytes that may still be lost, at most (PeerStream). After a break: those that were
  // so when it happened, until take_break().
  [[nodiscard]] size_t unsettled() const noexcept {
    if (broke_) return unsettled_at_break_;
    return stream_ ? stream_->unsettled() : 0;
  }
  // true once after a break of a connection.
  [[nodiscard]] bool take_break() noexcept;

  [[nodiscard]] uint64_t faults() const noexcept { return faults_; }
  // That is connected to, or tried.
  [[nodiscard]] const Target& peer() const noexcept { return peers_[current_].at; }
  void describe(MetricVisitor& visitor, const Labels& labels) const;  // any thread

 private:
  [[nodiscard]] Dialer& dialer() noexcept { return *dialers_[current_]; }
  bool dial(const Now& now);
  void use(int fd, const Now& now);
  void secure(const Now& now);
  void fail_if_over(const Now& now);
  void look_at_peer(const Now& now);
  [[nodiscard]] bool peer_is_dead(const Now& now);
  void report(const std::string& why, uint64_t pause_ns, const Now& now);

  std::vector<Peer> peers_;
  std::vector<std::unique_ptr<Dialer>> dialers_;  // one for each
  size_t current_ = 0;
  bool closed_ = false;
  std::optional<PeerStream> stream_;
  uint64_t look_after_ns_ = 0;  // at the peer
  uint64_t connected_ns_ = 0;
  uint64_t all_acknowledged_ns_ = 0;  // the last look that found nothing under way
  bool broke_ = false;
  size_t unsettled_at_break_ = 0;
  uint64_t faults_ = 0;
  FaultLog log_;
  Counter connects_;
  Counter resent_bytes_;
};

}  // namespace weir
