#include "dataplane/dnstap_listener.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace weir {
namespace {

constexpr unsigned kAcceptBurst = 64;
constexpr uint64_t kAcceptRetryNs = 100 * kNsPerMs;

// The usual limit on open files is below the usual limit on connections; the hard limit is meant to be used.
// Returns how many descriptors senders may use, so that files can be reopened and metrics be read at any
// time.
int raise_open_files(const DnstapInputOptions& options) {
  constexpr rlim_t kOthers = 128;  // files, listeners, epoll, metrics
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT_MAX;
  const rlim_t need = options.max_connections + kOthers;
  if (limit.rlim_cur < need) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < need)
    spdlog::warn(
        "input {}: max_connections is {}, but only {} files may be open; senders beyond that are refused. "
        "Raise "
        "the limit (LimitNOFILE= in the unit, ulimit -n)",
        options.name, options.max_connections, limit.rlim_cur);
  const rlim_t spare = std::min(kOthers, limit.rlim_cur / 2);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - spare, INT_MAX));
}

std::string sentence(Refusal refusal, const DnstapInputOptions& options) {
  switch (refusal) {
    case Refusal::not_allowed:
      return "allow and deny do not let it in";
    case Refusal::max_connections:
      return fmt::format("{} connections are open; raise max_connections", options.max_connections);
    case Refusal::max_connections_per_address:
      return fmt::format("{} connections of its address are open; raise max_connections_per_address",
                         options.max_connections_per_address);
    case Refusal::open_files:
      return "the other open files are kept for files and metrics; raise the limit (ulimit -n)";
    case Refusal::count_:
      break;
  }
  return {};
}

}  // namespace

bool AddressCounts::add(const IpAddr& addr, uint32_t limit) {
  const std::lock_guard lock(lock_);
  uint32_t& count = counts_[addr];
  if (count >= limit) return false;  // never zero then, so there is no empty entry
  ++count;
  return true;
}

void AddressCounts::remove(const IpAddr& addr) {
  const std::lock_guard lock(lock_);
  const auto at = counts_.find(addr);
  if (--at->second == 0) counts_.erase(at);
}

Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapInputOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores) {
  std::shared_ptr<TlsSide> tls;
  if (options.listen->scheme == Target::Scheme::tls) {
    auto side = TlsSide::server(options.tls);
    if (!side) return Error{"input " + options.name + ": " + side.error().message};
    tls = std::move(side).value();
  }
  auto access = AccessList::parse(options.allow, options.deny);
  if (!access) return Error{"input " + options.name + ": " + access.error().message};
  auto socket =
      ListenSocket::open({.at = *options.listen, .mode = options.socket_mode, .owner = options.socket_owner});
  if (!socket) return socket.error();
  auto share = std::make_shared<DnstapListenerShare>(std::move(socket).value(), std::move(tls),
                                                     std::move(access).value(), ingest_lcores);
  share->fd_limit = raise_open_files(options);
  std::vector<std::unique_ptr<Input>> inputs;
  for (unsigned lcore = 0; lcore < ingest_lcores; ++lcore) {
    auto listener = std::make_unique<DnstapListener>(options, input_index, lcore, share);
    if (Status watched = listener->watch(); !watched) return watched.error();
    inputs.push_back(std::move(listener));
  }
  return inputs;
}

DnstapListener::DnstapListener(const DnstapInputOptions& options, uint16_t index, unsigned lcore,
                               std::shared_ptr<DnstapListenerShare> share)
    : DnstapStreams(options, index, lcore), share_(std::move(share)) {}

bool DnstapListener::meet(const Now& now, bool signalled) {
  if (!signalled || now.mono_ns < accept_after_ns_) return false;
  return accept_waiting(now);
}

// The instance with the fewest connections accepts, the first of equals; the others leave it to that one.
bool DnstapListener::my_turn() const noexcept {
  const uint32_t mine = share_->loads[lcore()].connections.load(std::memory_order_relaxed);
  return std::none_of(share_->loads.begin(), share_->loads.end(), [mine](const auto& load) {
    return load.accepts.load(std::memory_order_relaxed) &&
           load.connections.load(std::memory_order_relaxed) < mine;
  });
}

// true: somebody came.
bool DnstapListener::accept_waiting(const Now& now) {
  bool came = false;
  for (unsigned i = 0; i < kAcceptBurst && my_turn(); ++i) {
    const int fd = accept4(share_->socket->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      let_in(fd, now);
      came = true;
      continue;
    }
    if (errno == ECONNABORTED || errno == EPROTO || errno == EINTR) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Senders wait in the kernel's backlog; asking again at once would only burn the CPU.
      accept_after_ns_ = now.mono_ns + kAcceptRetryNs;
      accept_errors_.add(1);
      log(now, "a sender cannot be accepted: {}; raise the limit on open files (ulimit -n)",
          std::strerror(errno));
    }
    break;  // else nobody waits, or another instance has stopped the socket
  }
  return came;
}

// Nothing is counted for one that is turned away.
std::optional<Refusal> DnstapListener::refusal(int fd, const IpAddr& addr) {
  if (addr.present() && !share_->access.lets_in(addr)) return Refusal::not_allowed;
  if (fd >= share_->fd_limit) return Refusal::open_files;
  if (share_->connections.fetch_add(1, std::memory_order_relaxed) >= options().max_connections) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    return Refusal::max_connections;
  }
  const uint32_t limit = options().max_connections_per_address;
  if (limit != 0 && addr.present() && !share_->by_address.add(addr, limit)) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    return Refusal::max_connections_per_address;
  }
  return std::nullopt;
}

void DnstapListener::forget(const IpAddr& addr) {
  share_->connections.fetch_sub(1, std::memory_order_relaxed);
  if (options().max_connections_per_address != 0 && addr.present()) share_->by_address.remove(addr);
}

void DnstapListener::let_in(int fd, const Now& now) {
  const Endpoint peer = peer_endpoint(fd);
  if (const auto refused = refusal(fd, peer.addr)) {
    refused_[static_cast<size_t>(*refused)].add(1);
    log(now, "{} was refused: {}", peer_name(fd, peer), sentence(*refused, options()));
    ::close(fd);
    return;
  }
  auto connection = std::make_unique<DnstapConnection>(
      share_->tls ? ByteStream(fd, *share_->tls) : ByteStream(fd), options().frame_limit, now.mono_ns);
  const std::string name = connection->peer_name();
  if (!add(std::move(connection))) {
    forget(peer.addr);
    accept_errors_.add(1);
    log(now, "{} cannot be watched: {}", name, std::strerror(errno));
    return;
  }
  accepted_.add(1);
  show_load();
}

void DnstapListener::parted(const DnstapConnection& connection, const Now& /*now*/) {
  forget(connection.peer().addr);
  show_load();
}

void DnstapListener::show_load() noexcept {
  share_->loads[lcore()].connections.store(static_cast<uint32_t>(connections()), std::memory_order_relaxed);
}

void DnstapListener::waits(bool for_room) {
  share_->loads[lcore()].accepts.store(!for_room, std::memory_order_relaxed);
}

// One instance does it for all, since they share the TLS side.
void DnstapListener::request_reload() {
  if (lcore() == 0 && share_->tls) reload_certificates(*share_->tls, "input " + name());
}

}  // namespace weir
