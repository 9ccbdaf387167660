// NullSink: takes everything and keeps nothing: for measuring the street and for outputs switched off.
#pragma once

#include "exporters/sinks/sink.h"

namespace weir {

class NullSink : public Sink {
 public:
  [[nodiscard]] size_t write(std::string_view records, size_t /*sent*/, const Now&) override {
    return records.size();
  }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }

 private:
  std::string never_;
};

}  // namespace weir
