// PrometheusFamilies: a MetricVisitor that gathers samples into prometheus-cpp's metric families.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

#include "core/metric.h"

namespace weir {

class PrometheusFamilies : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override;
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override;
  void histogram(std::string_view name, std::string_view help, const Labels& labels,
                 const Histogram& value) override;

  // In order of name. Leaves the object empty.
  std::vector<prometheus::MetricFamily> take();

 private:
  prometheus::ClientMetric& sample(std::string_view name, std::string_view help, const Labels& labels,
                                   prometheus::MetricType type);
  std::map<std::string, prometheus::MetricFamily, std::less<>> families_;
};

}  // namespace weir
