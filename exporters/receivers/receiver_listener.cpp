#include "exporters/receivers/receiver_listener.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kAcceptNs = 10 * kNsPerMs;

}  // namespace

ReceiverListener::ReceiverListener(std::unique_ptr<ListenSocket> socket, std::shared_ptr<TlsSide> tls,
                                   const ReceiverListenerOptions& options, unsigned lcores)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      options_(options),
      is_unix_(socket_->bound().scheme == Target::Scheme::unix_stream),
      lcores_(lcores),
      lcores_left_(lcores) {}

bool ReceiverListener::poll(const Now& now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return false;
  const bool accepted = accept_waiting(now);
  return look_after(now) || accepted;
}

bool ReceiverListener::accept_waiting(const Now& now) {
  if (stopping_ || now.mono_ns < next_accept_ns_) return false;
  next_accept_ns_ = now.mono_ns + kAcceptNs;
  bool accepted = false;
  for (;;) {
    const int fd = accept4(socket_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        note_no_descriptor(errno, now);
      return accepted;
    }
    accepted = true;
    let_in(fd, now);
  }
}

// Those that wait stay in the kernel's queue.
void ReceiverListener::note_no_descriptor(int error, const Now& now) {
  accept_failures_.fetch_add(1, std::memory_order_relaxed);
  if (log_.due(now.mono_ns))
    spdlog::warn(
        "{}: a receiver cannot be let in: {}; raise the limit on open files (ulimit -n, LimitNOFILE=){}",
        to_string(socket_->bound()), std::strerror(error), log_.left_out());
}

void ReceiverListener::let_in(int fd, const Now& now) {
  std::string name = "receiver " + peer_name(fd, peer_endpoint(fd)) + " of " + to_string(socket_->bound());
  if (connected_.size() >= options_.max_receivers) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    if (log_.due(now.mono_ns))
      spdlog::warn("{}: refused, {} are connected: raise max_receivers{}", name, connected_.size(),
                   log_.left_out());
    ::close(fd);
    return;
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  if (log_.due(now.mono_ns)) spdlog::info("{}: connected{}", name, log_.left_out());
  connected_.push_back(std::make_shared<Receiver>(PeerStream(fd, is_unix_, tls_.get()), std::move(name),
                                                  options_.stall_timeout_ms * kNsPerMs, now));
  connected_count_.store(connected_.size(), std::memory_order_relaxed);
}

bool ReceiverListener::look_after(const Now& now) {
  bool changed = false;
  for (const auto& receiver : connected_) changed |= receiver->poll(now) || receiver->over();
  if (!changed) return false;
  std::erase_if(connected_, [&](const auto& receiver) {
    if (receiver->over()) let_go(*receiver, now);
    return receiver->over();
  });
  connected_count_.store(connected_.size(), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_acq_rel);
  return true;
}

void ReceiverListener::let_go(const Receiver& receiver, const Now& now) {
  closed_[static_cast<size_t>(receiver.end())].fetch_add(1, std::memory_order_relaxed);
  if (!log_.due(now.mono_ns)) return;
  const std::string why = receiver.why().empty() ? std::string() : ": " + receiver.why();
  // The lcores count that only when they hear of it.
  const char* rest = receiver.end() == ReceiverEnd::stalled ? " and for all that waited" : "";
  spdlog::info("{}: closed ({}{}); it was too slow for {} events{}{}", receiver.name(),
               to_string(receiver.end()), why, receiver.lost(), rest, log_.left_out());
}

void ReceiverListener::reload_tls() {
  if (tls_) reload_certificates(*tls_, to_string(socket_->bound()));
}

std::vector<std::shared_ptr<Receiver>> ReceiverListener::receivers() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Receiver>> running;
  for (const auto& receiver : connected_)
    if (receiver->running()) running.push_back(receiver);
  return running;
}

bool ReceiverListener::finish(const Now& now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return false;
  const bool last = lcores_left_.load(std::memory_order_acquire) == 0;
  if (last && !std::exchange(stopping_, true)) socket_->stop();
  for (const auto& receiver : connected_)
    if (last || receiver->lcores_done() == lcores_) receiver->begin_stop(now);
  look_after(now);
  return last && connected_.empty();
}

void ReceiverListener::abandon() {
  const std::lock_guard lock(mutex_);
  if (++lcores_abandoned_ != lcores_) return;
  stopping_ = true;
  socket_->stop();
  for (const auto& receiver : connected_) receiver->abandon();
  look_after(read_clock());
}

void ReceiverListener::describe(MetricVisitor& visitor, const Labels& labels) const {
  const auto read = [](const std::atomic<uint64_t>& value) {
    return static_cast<double>(value.load(std::memory_order_relaxed));
  };
  visitor.gauge("weir_output_receivers", "Receivers that are connected to a listening output.", labels,
                read(connected_count_));
  visitor.counter("weir_output_receivers_accepted_total", "Receivers that were let in.", labels,
                  read(accepted_));
  visitor.counter("weir_output_receivers_refused_total",
                  "Receivers turned away because max_receivers were connected: raise it.", labels,
                  read(refused_));
  visitor.counter(
      "weir_output_receivers_accept_failures_total",
      "Tries to let a receiver in that found no descriptor or memory free: raise the limit on open files.",
      labels, read(accept_failures_));
  for (size_t i = 1; i < kEnds; ++i) {
    Labels with = labels;
    with.push_back({"reason", std::string(to_string(static_cast<ReceiverEnd>(i)))});
    visitor.counter("weir_output_receivers_closed_total",
                    "Receivers whose connection ended, by reason. stalled: it took nothing for "
                    "stall_timeout; handshake: it is no reader of dnstap; tls: it does not speak TLS, or a "
                    "certificate is not "
                    "accepted, the log says which.",
                    with, read(closed_[i]));
  }
}

}  // namespace weir
