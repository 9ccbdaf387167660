// BalancedSink: sends to several peers at once, over a sink for each. A block of records goes to the peer
// that has least under way; one that is down gets none. What was not settled when one of them broke is sent
// again, to whoever is there, and so is what the others had under way behind it: peers may get records twice.
// Owner: the export lcore of its output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "exporters/sinks/sink.h"

namespace weir {

class BalancedSink : public Sink {
 public:
  struct Part {
    std::string name;  // the peer, for metrics
    std::unique_ptr<Sink> sink;
  };
  // Precondition: at least one; sinks that refuse nothing.
  explicit BalancedSink(std::vector<Part> parts);

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  [[nodiscard]] size_t unsettled() const override;
  [[nodiscard]] bool take_break() override;
  bool poll(const Now& now) override;
  [[nodiscard]] bool finish(const Now& now) override;
  void request_reopen() override;
  [[nodiscard]] bool up() const noexcept override;
  [[nodiscard]] uint64_t faults() const noexcept override;
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override;

 private:
  struct Share {
    std::string name;
    std::unique_ptr<Sink> sink;
    uint64_t taken = 0;    // bytes, ever
    uint64_t lost_at = 0;  // broken: so many of these are settled
    bool broken = false;   // and take_break() has not said so yet
    [[nodiscard]] uint64_t settled() const noexcept {
      return broken ? lost_at : taken - std::min<uint64_t>(taken, sink->unsettled());
    }
  };
  // What one write() gave to one of them.
  struct Piece {
    size_t share;
    uint64_t end;  // of Share::taken
    size_t bytes;
  };

  [[nodiscard]] size_t choose() const noexcept;
  void notice_breaks();
  void forget_settled();

  static constexpr size_t kNone = SIZE_MAX;

  std::vector<Share> shares_;
  std::deque<Piece> pieces_;  // in the order of the records
  size_t first_ = 0;          // of those with as little under way: peers that take all at once have turns
  size_t current_ = kNone;    // has a part of the block
  std::string never_;
};

}  // namespace weir
