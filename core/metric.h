// MetricVisitor: how stages, inputs and outputs show their numbers. describe(visitor) is called on the scrape
// thread; it reads counters and calls one function a sample. Name and help stand beside the field they show;
// help says what non-zero means and what to do. Names are checked against docs/metrics.md by a test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/histogram.h"

namespace weir {

struct Label {
  std::string_view key;
  std::string value;
};
using Labels = std::vector<Label>;

class MetricVisitor {
 public:
  virtual ~MetricVisitor() = default;
  virtual void counter(std::string_view name, std::string_view help, const Labels& labels, double value) = 0;
  virtual void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) = 0;
  virtual void histogram(std::string_view name, std::string_view help, const Labels& labels,
                         const Histogram& value) = 0;
};

}  // namespace weir
