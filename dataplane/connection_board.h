// ConnectionBoard: metrics of single connections, of as many as it has places for; when all are taken,
// connections that come are not shown. Owner: an ingest lcore; describe() from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/counter.h"
#include "core/metric.h"

namespace weir {

struct ConnectionPlace {
  uint32_t connection = 0;
  std::string peer;
  std::string name;  // of the peer's certificate, as a label; set before the place is shown
  Counter frames;
  Counter bytes;
};

class ConnectionBoard {
 public:
  explicit ConnectionBoard(size_t places) : places_(places) {}

  // nullptr: no place is free.
  std::shared_ptr<ConnectionPlace> show(uint32_t connection, const std::string& peer, std::string_view name);
  void take_down(const std::shared_ptr<ConnectionPlace>& place);
  void describe(MetricVisitor& visitor, const Labels& owner) const;

 private:
  const size_t places_;
  mutable std::mutex lock_;  // held for the length of a copy of the list
  std::vector<std::shared_ptr<ConnectionPlace>> shown_;
};

}  // namespace weir
