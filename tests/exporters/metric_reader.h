// Reads metrics as a scrape does: the values by name, summed over labels but for those asked for.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/metric.h"

namespace weir {

class MetricReader : public MetricVisitor {
 public:
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    add(name, help, labels, value);
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    add(name, help, labels, value);
  }
  void histogram(std::string_view name, std::string_view help, const Labels& labels,
                 const Histogram& value) override {
    double count = 0;
    for (unsigned i = 0; i < Histogram::kBuckets; ++i) count += static_cast<double>(value.bucket(i));
    add(name, help, labels, count);
  }
  // -1: not shown.
  [[nodiscard]] double get(const std::string& name) const {
    const auto at = sums.find(name);
    return at == sums.end() ? -1 : at->second;
  }

  std::map<std::string, double> sums;  // by name, and by name{key=value}
  bool all_have_help = true;

 private:
  void add(std::string_view name, std::string_view help, const Labels& labels, double value) {
    all_have_help &= !help.empty();
    sums[std::string(name)] += value;
    for (const Label& label : labels)
      sums[std::string(name) + "{" + std::string(label.key) + "=" + label.value + "}"] += value;
  }
};

}  // namespace weir
