// dnstap over TCP, TLS and UNIX sockets from senders that connect: one listening socket, an instance on each
// ingest lcore, each with the connections that it accepted.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "core/net/addr_prefix.h"
#include "core/net/listen_socket.h"
#include "core/net/tls.h"
#include "core/result.h"
#include "dataplane/dnstap_streams.h"

namespace weir {

// One input an ingest lcore, all on one listening socket. An Error names the configuration key and the
// remedy. Precondition: options.listen.
Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapInputOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores);

// Why a sender was turned away. Names are the values of weir_dnstap_connections_refused_total's reason.
enum class Refusal : uint8_t {
  not_allowed,
  max_connections,
  max_connections_per_address,
  open_files,
  count_
};
constexpr size_t kRefusalCount = static_cast<size_t>(Refusal::count_);
std::string_view to_string(Refusal refusal) noexcept;

// Connections by their peer's address, of all lcores.
class AddressCounts {
 public:
  // false: there are `limit` already, and none was added.
  [[nodiscard]] bool add(const IpAddr& addr, uint32_t limit);
  void remove(const IpAddr& addr);

 private:
  std::mutex lock_;
  std::map<IpAddr, uint32_t> counts_;  // under lock_
};

// What the instances of one listener share.
struct DnstapListenerShare {
  // One cache line an lcore: written by its owner, read by the others.
  struct alignas(64) Load {
    std::atomic<uint32_t> connections{0};
    std::atomic<bool> accepts{true};  // false while it waits for room, and when it has ended
  };
  DnstapListenerShare(std::unique_ptr<ListenSocket> listening, std::shared_ptr<TlsSide> side, AccessList list,
                      unsigned lcores)
      : socket(std::move(listening)), tls(std::move(side)), access(std::move(list)), loads(lcores) {}

  std::unique_ptr<ListenSocket> socket;
  std::shared_ptr<TlsSide> tls;  // none: plain
  const AccessList access;
  std::vector<Load> loads;
  std::atomic<uint32_t> connections{0};
  AddressCounts by_address;  // with max_connections_per_address
  // Sockets have numbers below this one, so that files can be reopened and metrics be read whoever connects.
  int fd_limit = INT_MAX;
};

class DnstapListener : public DnstapStreams {
 public:
  DnstapListener(const DnstapInputOptions& options, uint16_t index, unsigned lcore,
                 std::shared_ptr<DnstapListenerShare> share);
  // Control thread, once, before the first poll().
  Status watch() { return DnstapStreams::watch(share_->socket->fd()); }

  void describe(MetricVisitor& visitor) const override;
  void request_reload() override;
  [[nodiscard]] const Target& bound() const { return share_->socket->bound(); }

 protected:
  bool meet(const Now& now, bool signalled) override;
  void turn_away() override { share_->socket->stop(); }
  void parted(const DnstapConnection& connection, const Now& now) override;
  void waits(bool for_room) override;

 private:
  bool accept_waiting(const Now& now);
  [[nodiscard]] std::optional<Refusal> refusal(int fd, const IpAddr& addr);
  void let_in(int fd, const Now& now);
  void forget(const IpAddr& addr);
  void show_load() noexcept;
  [[nodiscard]] bool my_turn() const noexcept;

  std::shared_ptr<DnstapListenerShare> share_;
  uint64_t accept_after_ns_ = 0;
  Counter accepted_;
  std::array<Counter, kRefusalCount> refused_;
  Counter accept_errors_;
};

}  // namespace weir
