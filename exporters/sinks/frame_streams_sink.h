// FrameStreamsSink: an export lcore's own connection to a receiver of dnstap, over TCP, TLS or a UNIX socket,
// as a two-way Frame Streams writer. What was not settled (PeerConnection) when a connection broke is sent
// again on the next, from the start of its first record. At the end STOP is sent, and FINISH waited for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/net/frame_streams_writer.h"
#include "exporters/sinks/peer_connection.h"
#include "exporters/sinks/sink.h"

namespace weir {

class FrameStreamsSink : public Sink {
 public:
  explicit FrameStreamsSink(std::vector<Peer> peers) : peer_(std::move(peers)) {}

  [[nodiscard]] size_t write(std::string_view records, size_t sent, const Now& now) override;
  bool poll(const Now& now) override;
  [[nodiscard]] size_t unsettled() const override { return peer_.unsettled(); }
  [[nodiscard]] bool take_break() override { return peer_.take_break(); }
  [[nodiscard]] bool finish(const Now& now) override;
  void request_reopen() override { peer_.reload_tls(); }
  [[nodiscard]] bool up() const noexcept override {
    return peer_.connected() && writer_.state() == FrameStreamsWriter::State::running;
  }
  [[nodiscard]] uint64_t faults() const noexcept override { return peer_.faults(); }
  [[nodiscard]] const std::string& ended() const noexcept override { return never_; }
  void describe(MetricVisitor& visitor, const Labels& labels) const override {
    peer_.describe(visitor, labels);
  }

 private:
  void begin_session(const Now& now);
  void hear(const Now& now);
  void say(std::string_view control, uint64_t answer_by_ns);
  void send_control(const Now& now);

  PeerConnection peer_;
  uint64_t session_ = 0;  // PeerConnection::connects() of the connection that the writer speaks on
  FrameStreamsWriter writer_;
  std::string_view control_left_;  // of a control frame that goes before all else
  uint64_t answer_by_ns_ = 0;      // ACCEPT, FINISH
  uint64_t next_read_ns_ = 0;
  bool done_ = false;
  std::string never_;
};

}  // namespace weir
