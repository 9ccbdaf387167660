#include "exporters/statsd/statsd_output.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir {
namespace {

constexpr uint64_t kArrivalSpanNs = 100 * kNsPerMs;
constexpr uint64_t kRetryNs = kNsPerSec;
constexpr uint64_t kDrainRetryNs = 100 * kNsPerMs;
constexpr uint64_t kDrainNs = kNsPerSec;  // UDP asks nobody: a server that is not there will not come now

}  // namespace

StatsdOutput::StatsdOutput(const StatsdOptions& options, unsigned lcore)
    : Output(options.name, lcore),
      options_(options),
      counts_(options.prefix),
      gauge_name_(options.prefix + ".lcore." + std::to_string(lcore) + ".backlog_events") {
  datagram_.reserve(options_.max_datagram);
}

StatsdOutput::~StatsdOutput() {
  if (fd_ >= 0) ::close(fd_);
}

bool StatsdOutput::take(const Batch& events, const Now&) {
  uint64_t taken = 0;
  uint64_t units = 0;
  for_each_record<Event>(events, [&](const Event& event) {
    counts_.add(event);
    note_arrivals(event.arrival_ns);
    ++taken;
    units += event.units;
  });
  counters_.in_events.add(taken);
  counters_.in_units.add(units);
  counters_.backlog_events.add(taken);
  counters_.backlog_units.add(units);
  return true;
}

void StatsdOutput::note_arrivals(uint64_t arrival_ns) noexcept {
  if (arrivals_count_ != 0) {
    Arrivals& last = arrivals_[arrivals_count_ - 1];
    // A long outage fills the array: what comes then is counted with the last.
    if (arrival_ns < last.first_ns + kArrivalSpanNs || arrivals_count_ == arrivals_.size()) {
      ++last.events;
      return;
    }
  }
  arrivals_[arrivals_count_++] = {arrival_ns, 1};
}

bool StatsdOutput::poll(const Now& now) {
  if (next_try_ns_ == 0) next_try_ns_ = now.mono_ns + options_.interval_ms * kNsPerMs;
  if (fd_ < 0 && !open_socket(now)) return false;
  if (now.mono_ns < next_try_ns_) return false;
  next_try_ns_ = now.mono_ns + options_.interval_ms * kNsPerMs;
  (void)flush(now);
  return true;
}

// false: not yet.
bool StatsdOutput::open_socket(const Now& now) {
  if (now.mono_ns < reopen_ns_) return false;
  if (resolution_ == nullptr) resolution_ = Resolution::start(options_.to.host, options_.to.port, SOCK_DGRAM);
  if (!resolution_->ready()) return false;
  const auto resolution = std::exchange(resolution_, nullptr);
  if (!resolution->error().empty()) {
    fail(resolution->error(), now);
    return false;
  }
  const SocketAddress& address = resolution->addresses().front();
  fd_ = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || connect(fd_, address.get(), address.len) != 0) {
    fail(std::strerror(errno), now);
    return false;
  }
  counters_.up.set(probing_ ? 0 : 1);
  return true;
}

// Sends every series that is not zero, and takes away what was sent. Events count as written when all was.
bool StatsdOutput::flush(const Now& now) {
  const bool refused = server_refuses(now);
  bool sent = add_line(gauge_name_, carried_over_, "|g", now);
  for (size_t series = 0; sent && !refused && series < counts_.size(); ++series) {
    const uint64_t value = counts_.value(series);
    if (value == 0) continue;
    sent = add_line(counts_.name(series), value, "|c", now);
    in_datagram_.emplace_back(series, value);
  }
  sent = sent && send_datagram(now) && !refused;
  datagram_.clear();
  in_datagram_.clear();
  if (sent) count_written(now);
  carried_over_ = counters_.backlog_events.get();
  return sent;
}

// The host of the server answered an earlier datagram with "port unreachable". That one is lost; the next are
// not sent before a gauge went without such an answer.
bool StatsdOutput::server_refuses(const Now& now) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
    probing_ = true;
    fail(std::strerror(error), now);
    return true;
  }
  if (std::exchange(probing_, false)) {
    log_.over();
    spdlog::info("{}: {} takes data again", name(), to_string(options_.to));
  }
  counters_.up.set(1);
  return false;
}

// Sends the datagram first if the line does not fit into it. false: that failed.
bool StatsdOutput::add_line(std::string_view name, uint64_t value, std::string_view kind, const Now& now) {
  const std::string number = std::to_string(value);
  const size_t len = name.size() + 1 + number.size() + kind.size();
  if (!datagram_.empty() && datagram_.size() + 1 + len > options_.max_datagram && !send_datagram(now))
    return false;
  if (!datagram_.empty()) datagram_ += '\n';
  datagram_.append(name).append(":").append(number).append(kind);
  return true;
}

bool StatsdOutput::send_datagram(const Now& now) {
  while (send(fd_, datagram_.data(), datagram_.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == ECONNREFUSED) probing_ = true;
    fail(std::strerror(errno), now);
    return false;
  }
  for (const auto& [series, value] : in_datagram_) counts_.take_away(series, value);
  counters_.written_bytes.add(datagram_.size());
  datagrams_.add(1);
  datagram_.clear();
  in_datagram_.clear();
  return true;
}

void StatsdOutput::fail(const std::string& why, const Now& now) {
  counters_.faults.add(1);
  counters_.up.set(0);
  next_try_ns_ = now.mono_ns + kRetryNs;
  if (fd_ < 0) reopen_ns_ = now.mono_ns + kRetryNs;
  if (log_.due(now.mono_ns))
    spdlog::error("{}: {}: {}; tried again every second", name(), to_string(options_.to), why);
}

void StatsdOutput::count_written(const Now& now) {
  for (size_t i = 0; i < arrivals_count_; ++i) {
    const uint64_t since = arrivals_[i].first_ns;
    counters_.latency.observe(now.mono_ns > since ? now.mono_ns - since : 0, arrivals_[i].events);
  }
  arrivals_count_ = 0;
  counters_.written_events.add(counters_.backlog_events.get());
  counters_.written_units.add(counters_.backlog_units.get());
  counters_.backlog_events.set(0);
  counters_.backlog_units.set(0);
}

bool StatsdOutput::drain(const Now& now) {
  if (counters_.backlog_events.get() == 0) return true;
  if (give_up_ns_ == 0) give_up_ns_ = now.mono_ns + kDrainNs;
  if (fd_ >= 0 && now.mono_ns >= next_drain_ns_) {
    next_drain_ns_ = now.mono_ns + kDrainRetryNs;
    if (flush(now)) return true;
  }
  if (now.mono_ns < give_up_ns_) return false;
  drop_waiting(Drop::write_failed);
  return true;
}

void StatsdOutput::abandon() { drop_waiting(Drop::output_shutdown); }

void StatsdOutput::drop_waiting(Drop reason) {
  counters_.drops.add(reason, counters_.backlog_units.get());
  counters_.backlog_events.set(0);
  counters_.backlog_units.set(0);
  arrivals_count_ = 0;
}

void StatsdOutput::describe(MetricVisitor& visitor) const {
  visitor.counter("weir_output_datagrams_total", "Datagrams sent to the statsd server.",
                  {{"output", name()}, {"lcore", std::to_string(lcore())}},
                  static_cast<double>(datagrams_.get()));
}

}  // namespace weir
