// ReceiverListener: where receivers of dnstap connect to be sent frames: a listening socket and those that
// are connected. Shared by the export lcores of one output; any of them accepts and looks after them, behind
// a lock that nobody waits for.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/metric.h"
#include "core/net/listen_socket.h"
#include "core/net/tls.h"
#include "core/peer_log.h"
#include "exporters/receivers/receiver.h"

namespace weir {

struct ReceiverListenerOptions {
  uint32_t max_receivers = 64;
  uint32_t stall_timeout_ms = 10'000;
};

class ReceiverListener {
 public:
  // tls: nullptr without. lcores: how many share it.
  ReceiverListener(std::unique_ptr<ListenSocket> socket, std::shared_ptr<TlsSide> tls,
                   const ReceiverListenerOptions& options, unsigned lcores);

  // Any export lcore, every loop. true: did work.
  bool poll(const Now& now);
  // Changes when receivers() does.
  [[nodiscard]] uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  // Those that frames may be sent to.
  [[nodiscard]] std::vector<std::shared_ptr<Receiver>> receivers();

  // Any export lcore, once: it sends nothing more, to whatever receiver.
  void lcore_is_done() noexcept { lcores_left_.fetch_sub(1, std::memory_order_acq_rel); }
  // The certificates are read again; connections stay. Control thread.
  void reload_tls();

  // Any export lcore, every loop once it takes no more events: a receiver that all lcores are done with gets
  // STOP, whatever others still lack. true when all lcores are done and all receivers gone.
  [[nodiscard]] bool finish(const Now& now);
  // Control thread, once for each export lcore, after they stopped: with the last of them the receivers that
  // are left are closed.
  void abandon();

  void describe(MetricVisitor& visitor, const Labels& labels) const;  // any thread

 private:
  static constexpr size_t kEnds = static_cast<size_t>(ReceiverEnd::count_);

  bool accept_waiting(const Now& now);
  void note_no_descriptor(int error, const Now& now);
  void let_in(int fd, const Now& now);
  bool look_after(const Now& now);
  void let_go(const Receiver& receiver, const Now& now);

  std::unique_ptr<ListenSocket> socket_;
  const std::shared_ptr<TlsSide> tls_;
  const ReceiverListenerOptions options_;
  const bool is_unix_;
  const unsigned lcores_;
  std::atomic<unsigned> lcores_left_;  // that still send
  unsigned lcores_abandoned_ = 0;
  std::atomic<uint64_t> generation_{0};

  std::mutex mutex_;
  std::vector<std::shared_ptr<Receiver>> connected_;
  uint64_t next_accept_ns_ = 0;
  bool stopping_ = false;
  PeerLog log_;

  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> accept_failures_{0};
  std::atomic<uint64_t> connected_count_{0};
  std::array<std::atomic<uint64_t>, kEnds> closed_{};
};

}  // namespace weir
