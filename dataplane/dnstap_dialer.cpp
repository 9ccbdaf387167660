#include "dataplane/dnstap_dialer.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir {
namespace {

constexpr uint64_t kSteadyNs =
    5 * kNsPerSec;  // a quiet connection that lasts so long makes failures forgotten

}  // namespace

Result<std::vector<std::unique_ptr<Input>>> open_dnstap_dialer(const DnstapInputOptions& options,
                                                               uint16_t input_index, unsigned ingest_lcores) {
  std::shared_ptr<TlsSide> tls;
  if (options.connect->scheme == Target::Scheme::tls) {
    auto side = TlsSide::client(options.tls, options.connect->host);
    if (!side) return Error{"input " + options.name + ": " + side.error().message};
    tls = std::move(side).value();
  }
  std::vector<std::unique_ptr<Input>> inputs;
  inputs.push_back(
      std::make_unique<DnstapDialer>(options, input_index, input_index % ingest_lcores, std::move(tls)));
  return inputs;
}

DnstapDialer::DnstapDialer(const DnstapInputOptions& options, uint16_t index, unsigned lcore,
                           std::shared_ptr<TlsSide> tls)
    : DnstapStreams(options, index, lcore), tls_(std::move(tls)), dialer_(*options.connect) {}

bool DnstapDialer::meet(const Now& now, bool /*signalled*/) {
  if (!dials_ || connections() != 0) return false;
  Dialer::Step step = dialer_.poll(now);
  if (!step.why.empty()) failed(step.why, step.pause_ns, now);
  if (step.fd < 0) return step.worked;
  auto connection = std::make_unique<DnstapConnection>(
      tls_ ? ByteStream(step.fd, *tls_) : ByteStream(step.fd), options().frame_limit, now.mono_ns);
  if (!add(std::move(connection))) {
    const int error = errno;
    failed(std::strerror(error), dialer_.broke(now), now);
    return true;
  }
  connected_ns_ = now.mono_ns;
  connects_.add(1);
  spdlog::info("input {}: connected to {}", name(), to_string(dialer_.peer()));
  return true;
}

// A sender that is started again and again, or ends its sessions, is no failure as long as frames come.
void DnstapDialer::parted(const DnstapConnection& connection, const Now& now) {
  if (connection.had_frames() || now.mono_ns >= connected_ns_ + kSteadyNs) dialer_.good();
  const uint64_t pause_ns = dialer_.broke(now);
  if (dials_)
    log(now, "the connection to {} ended; next try in {} ms", to_string(dialer_.peer()), pause_ns / kNsPerMs);
}

void DnstapDialer::failed(const std::string& why, uint64_t pause_ns, const Now& now) {
  failures_.add(1);
  log(now, "cannot connect to {}: {}; next try in {} ms", to_string(dialer_.peer()), why,
      pause_ns / kNsPerMs);
}

void DnstapDialer::request_reload() {
  if (tls_) reload_certificates(*tls_, "input " + name());
}

}  // namespace weir
