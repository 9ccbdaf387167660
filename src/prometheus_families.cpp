#include "src/prometheus_families.h"

#include <limits>
#include <utility>

namespace weir {

prometheus::ClientMetric& PrometheusFamilies::sample(std::string_view name, std::string_view help,
                                                     const Labels& labels, prometheus::MetricType type) {
  auto it = families_.find(name);
  if (it == families_.end()) {
    it = families_.emplace(std::string(name), prometheus::MetricFamily{}).first;
    it->second.name = name;
    it->second.help = help;
    it->second.type = type;
  }
  prometheus::ClientMetric& metric = it->second.metric.emplace_back();
  for (const Label& label : labels) metric.label.push_back({std::string(label.key), label.value});
  return metric;
}

void PrometheusFamilies::counter(std::string_view name, std::string_view help, const Labels& labels,
                                 double value) {
  sample(name, help, labels, prometheus::MetricType::Counter).counter.value = value;
}

void PrometheusFamilies::gauge(std::string_view name, std::string_view help, const Labels& labels,
                               double value) {
  sample(name, help, labels, prometheus::MetricType::Gauge).gauge.value = value;
}

void PrometheusFamilies::histogram(std::string_view name, std::string_view help, const Labels& labels,
                                   const Histogram& value) {
  auto& out = sample(name, help, labels, prometheus::MetricType::Histogram).histogram;
  uint64_t cumulative = 0;
  for (unsigned i = 0; i < Histogram::kBuckets; ++i) {
    cumulative += value.bucket(i);
    const bool last = i + 1 == Histogram::kBuckets;
    out.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : Histogram::upper_seconds(i)});
  }
  out.sample_count = cumulative;
  out.sample_sum = value.sum_seconds();
}

std::vector<prometheus::MetricFamily> PrometheusFamilies::take() {
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, family] : families_) families.push_back(std::move(family));
  families_.clear();
  return families;
}

}  // namespace weir
