// dnstap over TCP, TLS and UNIX sockets from senders that connect: one listening socket, an instance on each
// ingest lcore, each with the connections that it accepted.
#pragma once

#include <atomic>
#include <climits>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/tls.h"
#include "core/result.h"
#include "dataplane/dnstap_streams.h"
#include "dataplane/listen_socket.h"

namespace weir {

// One input an ingest lcore, all on one listening socket. An Error names the configuration key and the
// remedy. Precondition: options.listen.
Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores);

// What the instances of one listener share.
struct DnstapListenerShare {
  // One cache line an lcore: written by its owner, read by the others.
  struct alignas(64) Load {
    std::atomic<uint32_t> connections{0};
    std::atomic<bool> accepts{true};  // false while it waits for room, and when it has ended
  };
  DnstapListenerShare(std::unique_ptr<ListenSocket> listening, std::shared_ptr<TlsSide> side, unsigned lcores)
      : socket(std::move(listening)), tls(std::move(side)), loads(lcores) {}

  std::unique_ptr<ListenSocket> socket;
  std::shared_ptr<TlsSide> tls;  // none: plain
  std::vector<Load> loads;
  std::atomic<uint32_t> connections{0};
  // Sockets have numbers below this one, so that files can be reopened and metrics be read whoever connects.
  int fd_limit = INT_MAX;
};

class DnstapListener : public DnstapStreams {
 public:
  DnstapListener(const DnstapOptions& options, uint16_t index, unsigned lcore,
                 std::shared_ptr<DnstapListenerShare> share);
  // Control thread, once, before the first poll().
  Status watch() { return DnstapStreams::watch(share_->socket->fd()); }

  void describe(MetricVisitor& visitor) const override;
  void request_reload() override;
  [[nodiscard]] const Target& bound() const { return share_->socket->bound(); }

 protected:
  bool meet(const Now& now, bool signalled) override;
  void turn_away() override { share_->socket->stop(); }
  void parted(const Now& now) override;
  void waits(bool for_room) override;

 private:
  void accept_waiting(const Now& now);
  void let_in(int fd, const Now& now);
  void show_load() noexcept;
  [[nodiscard]] bool my_turn() const noexcept;

  std::shared_ptr<DnstapListenerShare> share_;
  uint64_t accept_after_ns_ = 0;
  Counter accepted_;
  Counter refused_;
  Counter accept_errors_;
};

}  // namespace weir
