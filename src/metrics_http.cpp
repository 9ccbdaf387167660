#include "src/metrics_http.h"

#include <CivetServer.h>
#include <prometheus/text_serializer.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

#include "core/addr.h"
#include "core/net/dialer.h"
#include "src/prometheus_families.h"

namespace weir {
namespace {

void answer(mg_connection* connection, int code, const char* type, const std::string& body) {
  const char* reason = code == 200 ? "OK" : "Service Unavailable";
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n",
            code, reason, type, body.size());
  mg_write(connection, body.data(), body.size());
}

class MetricsHandler : public CivetHandler {
 public:
  explicit MetricsHandler(const MetricsSource& source) : source_(source) {}
  bool handleGet(CivetServer*, mg_connection* connection) override {
    PrometheusFamilies families;
    source_.describe(families);
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families.take());
    answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8", text.str());
    return true;
  }

 private:
  const MetricsSource& source_;
};

class CheckHandler : public CivetHandler {
 public:
  explicit CheckHandler(const std::function<std::string()>& fault) : fault_(fault) {}
  bool handleGet(CivetServer*, mg_connection* connection) override {
    const std::string fault = fault_();
    answer(connection, fault.empty() ? 200 : 503, "text/plain; charset=utf-8",
           (fault.empty() ? "ok" : fault) + "\n");
    return true;
  }

 private:
  const std::function<std::string()>& fault_;
};

}  // namespace

struct MetricsHttp::State {
  State(const std::vector<std::string>& options, MetricsSource source_in, Target listen)
      : source(std::move(source_in)),
        metrics(source),
        health(source.unhealthy),
        ready(source.not_ready),
        door(std::move(listen)),
        server(options) {}

  MetricsSource source;
  MetricsHandler metrics;
  CheckHandler health;
  CheckHandler ready;
  Target door;
  CivetServer server;  // last: its threads use the handlers
};

MetricsHttp::MetricsHttp(std::unique_ptr<State> state) : state_(std::move(state)) {}

// CivetWeb looks for its end when somebody comes, else every two seconds.
MetricsHttp::~MetricsHttp() {
  std::atomic<bool> closed{false};
  std::thread knocking([this, &closed] {
    while (!closed) {
      Dialer dialer(state_->door);
      if (const Dialer::Step step = dialer.poll(read_clock()); step.fd >= 0) ::close(step.fd);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  state_->server.close();
  closed = true;
  knocking.join();
}

Result<std::unique_ptr<MetricsHttp>> MetricsHttp::start(const std::string& listen, MetricsSource source) {
  // MG_FEATURES_IPV6, which Debian's build has not.
  constexpr unsigned kIpv6 = 8;
  if (listen.starts_with('[') && mg_check_feature(kIpv6) == 0)
    return Error{"metrics.listen: cannot listen on " + listen +
                 ": the CivetWeb library of this system takes no IPv6; choose an IPv4 address such as "
                 "127.0.0.1:9953, or leave metrics out"};
  auto door = parse_target("tcp://" + listen);
  if (!door) return Error{"metrics.listen: " + door.error().message};
  // A thread is held by its client until it has asked or the time-out: a few silent ones keep nobody waiting.
  const std::vector<std::string> options = {"listening_ports",    listen, "num_threads",       "16",
                                            "request_timeout_ms", "5000", "enable_keep_alive", "no"};
  try {
    auto state = std::make_unique<State>(options, std::move(source), std::move(door).value());
    state->server.addHandler("/metrics$", state->metrics);
    state->server.addHandler("/healthz$", state->health);
    state->server.addHandler("/readyz$", state->ready);
    return std::unique_ptr<MetricsHttp>(new MetricsHttp(std::move(state)));
  } catch (const CivetException&) {
    return Error{
        "metrics.listen: cannot listen on " + listen +
        ": the port is in use or the address is not of this machine; choose another, or leave metrics out"};
  }
}

}  // namespace weir
