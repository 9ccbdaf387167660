// MetricsHttp: serves /metrics (Prometheus text), /healthz and /readyz on threads of its own. It reads
// counters when it is asked; lcores never wait for it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/metric.h"
#include "core/result.h"

namespace weir {

struct MetricsSource {
  std::function<void(MetricVisitor&)> describe;
  std::function<std::string()> unhealthy;  // empty: healthy, else why not
  std::function<std::string()> not_ready;  // empty: ready, else why not
};

class MetricsHttp {
 public:
  // listen: HOST:PORT. The source is called until the object is destroyed.
  static Result<std::unique_ptr<MetricsHttp>> start(const std::string& listen, MetricsSource source);
  ~MetricsHttp();

 private:
  struct State;
  explicit MetricsHttp(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir
