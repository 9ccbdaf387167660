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
int raise_open_files(const DnstapOptions& options) {
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

}  // namespace

Result<std::vector<std::unique_ptr<Input>>> open_dnstap_listener(const DnstapOptions& options,
                                                                 uint16_t input_index,
                                                                 unsigned ingest_lcores) {
  std::shared_ptr<TlsSide> tls;
  if (options.listen->scheme == Target::Scheme::tls) {
    auto side = TlsSide::server(options.tls);
    if (!side) return Error{"input " + options.name + ": " + side.error().message};
    tls = std::move(side).value();
  }
  auto socket = ListenSocket::open(options);
  if (!socket) return socket.error();
  auto share =
      std::make_shared<DnstapListenerShare>(std::move(socket).value(), std::move(tls), ingest_lcores);
  share->fd_limit = raise_open_files(options);
  std::vector<std::unique_ptr<Input>> inputs;
  for (unsigned lcore = 0; lcore < ingest_lcores; ++lcore) {
    auto listener = std::make_unique<DnstapListener>(options, input_index, lcore, share);
    if (Status watched = listener->watch(); !watched) return watched.error();
    inputs.push_back(std::move(listener));
  }
  return inputs;
}

DnstapListener::DnstapListener(const DnstapOptions& options, uint16_t index, unsigned lcore,
                               std::shared_ptr<DnstapListenerShare> share)
    : DnstapStreams(options, index, lcore), share_(std::move(share)) {}

bool DnstapListener::meet(const Now& now, bool signalled) {
  if (!signalled || now.mono_ns < accept_after_ns_) return false;
  const uint64_t before = accepted_.get() + refused_.get();
  accept_waiting(now);
  return accepted_.get() + refused_.get() != before;
}

// The instance with the fewest connections accepts, the first of equals; the others leave it to that one.
bool DnstapListener::my_turn() const noexcept {
  const uint32_t mine = share_->loads[lcore()].connections.load(std::memory_order_relaxed);
  return std::none_of(share_->loads.begin(), share_->loads.end(), [mine](const auto& load) {
    return load.accepts.load(std::memory_order_relaxed) &&
           load.connections.load(std::memory_order_relaxed) < mine;
  });
}

void DnstapListener::accept_waiting(const Now& now) {
  for (unsigned i = 0; i < kAcceptBurst && my_turn(); ++i) {
    const int fd = accept4(share_->socket->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      let_in(fd, now);
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
    return;  // else nobody waits, or another instance has stopped the socket
  }
}

void DnstapListener::let_in(int fd, const Now& now) {
  const bool full = share_->connections.fetch_add(1, std::memory_order_relaxed) >= options().max_connections;
  if (full || fd >= share_->fd_limit) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    refused_.add(1);
    if (full)
      log(now, "{} was refused: {} connections are open; raise max_connections",
          peer_name(fd, peer_endpoint(fd)), options().max_connections);
    else
      log(now,
          "{} was refused: the other open files are kept for files and metrics; raise the limit (ulimit -n)",
          peer_name(fd, peer_endpoint(fd)));
    ::close(fd);
    return;
  }
  auto connection = std::make_unique<DnstapConnection>(
      share_->tls ? ByteStream(fd, *share_->tls) : ByteStream(fd), options().frame_limit, now.mono_ns);
  const std::string name = connection->peer_name();
  if (!add(std::move(connection))) {
    share_->connections.fetch_sub(1, std::memory_order_relaxed);
    accept_errors_.add(1);
    log(now, "{} cannot be watched: {}", name, std::strerror(errno));
    return;
  }
  accepted_.add(1);
  show_load();
}

void DnstapListener::parted(const Now& /*now*/) {
  share_->connections.fetch_sub(1, std::memory_order_relaxed);
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
  if (lcore() == 0 && share_->tls) reload_tls(*share_->tls);
}

}  // namespace weir
