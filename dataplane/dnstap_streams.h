// DnstapStreams: the dnstap connections of one input on one ingest lcore, however they came about: polled
// with epoll, read one at a time into one buffer; a connection keeps only the beginning of an unfinished
// frame, so that thousands of idle senders cost little. DnstapListener and DnstapDialer bring connections in.
//
// Backpressure: when a shard has no room, the rest of the buffer waits and the instance reads nothing more
// until there is room: whatever another connection sent would meet the same full shard. Then the next
// connection in turn is read, so a fast sender takes no more than its share.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/frame_streams.h"
#include "core/peer_log.h"
#include "core/result.h"
#include "dataplane/dnstap_connection.h"
#include "dataplane/input.h"
#include "dataplane/input_options.h"

namespace weir {

// Why a connection ended. Names are the values of weir_dnstap_connections_closed_total's reason.
enum class ConnectionEnd : uint8_t {
  finished,           // after STOP
  eof,                // without STOP: the sender was killed, or is of the kind that says none
  reset,              // by the network or the peer's kernel
  fault,              // its stream was damaged: weir_dnstap_stream_faults_total says how
  handshake_timeout,  // no START in time
  idle_timeout,       // no byte in time
  memory,             // too much memory held by unfinished frames
  stopped,            // by us, at the end
  tls_plain_text,     // on a TLS port, the peer does not speak TLS
  tls_certificate,    // one side does not accept the other's certificate, or the lack of one
  tls,                // TLS failed otherwise
  count_
};
constexpr size_t kConnectionEndCount = static_cast<size_t>(ConnectionEnd::count_);
std::string_view to_string(ConnectionEnd end) noexcept;

class DnstapStreams : public Input {
 public:
  ~DnstapStreams() override;

  Poll poll(const Now& now, FrameWriter& writer) override;
  void stop(const Now& now) override;
  void abandon() override;
  void describe(MetricVisitor& visitor) const override;

  [[nodiscard]] uint64_t connections() const noexcept { return open_.get(); }  // any thread
  [[nodiscard]] uint64_t closed(ConnectionEnd end) const noexcept {
    return closed_[static_cast<size_t>(end)].get();
  }
  [[nodiscard]] uint64_t faults(StreamFault fault) const noexcept {
    return faults_[static_cast<size_t>(fault)].get();
  }

 protected:
  DnstapStreams(const DnstapInputOptions& options, uint16_t index, unsigned lcore);

  // Of the owner lcore, called by poll(), stop() and abandon():
  // Takes in new connections; true when somebody came. signalled: the watched descriptor has something.
  virtual bool meet(const Now& now, bool signalled) = 0;
  // Nobody new from now on.
  virtual void turn_away() = 0;
  // The connection is gone from those that are open, and closed when this returns.
  virtual void parted(const DnstapConnection& connection, const Now& now) = 0;
  // Reading stands still for want of room, or goes on again.
  virtual void waits(bool /*for_room*/) {}

  // Control thread, once, before the first poll(): meet() is told when `fd` can be read.
  Status watch(int fd);
  // false, and the connection is gone: it cannot be watched; errno says why.
  [[nodiscard]] bool add(std::unique_ptr<DnstapConnection> connection);
  [[nodiscard]] const DnstapInputOptions& options() const noexcept { return options_; }
  template <class... Args>
  void log(const Now& now, fmt::format_string<Args...> format, Args&&... args) {
    if (log_.due(now.mono_ns)) warn(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  bool resume(const Now& now, FrameWriter& writer);
  bool look(const Now& now);
  Poll drain(const Now& now, FrameWriter& writer);
  size_t read(DnstapConnection& connection, size_t limit, const Now& now, FrameWriter& writer);
  bool take(DnstapConnection& connection, const Now& now, FrameWriter& writer);
  bool shake_hands(DnstapConnection& connection, const Now& now);
  void set_unread(DnstapConnection& connection, bool unread) noexcept;
  void watch_for_more(DnstapConnection& connection);
  [[nodiscard]] size_t allowed(DnstapConnection& connection, size_t limit, const Now& now);
  void pause(DnstapConnection& connection, uint64_t until_ns);
  void watch_again(const Now& now);
  void watch_anew(DnstapConnection& connection) noexcept;
  void check_timeouts(const Now& now);
  void show(DnstapConnection& connection);
  void close(DnstapConnection& connection, ConnectionEnd end, const Now& now);
  void warn(const std::string& text);

  DnstapInputOptions options_;
  DnstapIntake intake_;
  int epoll_;
  std::vector<uint8_t> buffer_;  // options_.read_buffer bytes
  std::vector<std::unique_ptr<DnstapConnection>> connections_;

  // What is to be read, worked off one after the other.
  std::vector<DnstapConnection*> ready_;
  size_t ready_at_ = 0;
  // Connections with something to do that epoll does not know of: bytes that TLS holds, a handshake to begin.
  size_t unread_ = 0;
  size_t paused_ = 0;  // connections that rate_limit keeps from being read

  // Backpressure: the connection whose bytes wait in the buffer.
  DnstapConnection* current_ = nullptr;
  std::span<const uint8_t> rest_;
  uint64_t waiting_since_ns_ = 0;
  uint64_t resumed_ns_ = 0;  // idle time does not run while we do not read

  bool stopped_ = false;
  uint64_t stopped_ns_ = 0;
  size_t drain_at_ = 0;
  uint64_t check_after_ns_ = 0;
  PeerLog log_;

  ConnectionBoard board_;
  Counter open_;
  Counter held_bytes_;
  Counter waiting_bytes_;
  Counter odd_control_;
  Counter pauses_;
  std::array<Counter, kConnectionEndCount> closed_;
  std::array<Counter, kStreamFaultCount> faults_;
};

}  // namespace weir
