// LineSink: an export lcore's own connection to a peer that reads lines, over TCP, TLS or a UNIX socket.
// Lines are settled when the peer's kernel has acknowledged them; those that were not when a connection broke
// are sent again on the next, so that the peer may get some twice and misses none that its kernel has not
// taken.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "exporters/sinks/peer_connection.h"
#include "exporters/sinks/sink.h"

namespace weir {

class LineSink : public Sink {
 public:
  explicit LineSink(std::vector<Peer> peers) : peer_(std::move(peers)) {}

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override {
    return sent + peer_.send(records.substr(sent), now);
  }
  bool poll(const Now& now) override;
  void request_reopen() override { peer_.reload_tls(); }
  [[nodiscard]] size_t unsettled() const override { return peer_.unsettled(); }
  [[nodiscard]] bool take_break() override { return peer_.take_break(); }
  [[nodiscard]] bool up() const noexcept override { return peer_.connected(); }
  [[nodiscard]] uint64_t faults() const noexcept override { return peer_.faults(); }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override {
    peer_.describe(visitor, labels);
  }

 private:
  PeerConnection peer_;
  uint64_t next_read_ns_ = 0;
  std::string never_;
};

}  // namespace weir
